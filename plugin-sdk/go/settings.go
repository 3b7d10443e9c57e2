package bifocal

import (
	"encoding/json"
	"fmt"
	"strings"
)

// readSettings reads a JSON object into a struct, which must have a field for each setting.
func readSettings(settings string, into any) error {
	if settings == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("settings %s do not fit: %w", settings, err)
	}
	return nil
}

func noSettings(settings string, _ any) error {
	if settings != "" && settings != "{}" {
		return fmt.Errorf("settings %s do not fit: this transform has no settings", settings)
	}
	return nil
}
