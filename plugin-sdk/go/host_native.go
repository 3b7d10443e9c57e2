//go:build !wasip1

package bifocal

import (
	"fmt"
	"os"
)

func hostLog(level level, message string) { fmt.Fprintf(os.Stderr, "%s: %s\n", level, message) }

// hostSettings natively are none: tests hand them over.
func hostSettings() string { return "{}" }

// uncleared natively is plain memory: tests keep what a call returns.
func uncleared[T any](n int) []T { return make([]T, n) }
