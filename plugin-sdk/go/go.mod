module bifocal

go 1.24
