module revenue

go 1.24

require bifocal v0.0.0

replace bifocal => ../../../../plugin-sdk/go
