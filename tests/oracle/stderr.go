package main

import (
	"io"
	"os"
)

// captureStderr puts a file in the place of os.Stderr, which is where the
// original copies the stderr of successful plugins. The function that it
// returns puts os.Stderr back and gives what was written.
func captureStderr() (func() string, error) {
	file, err := os.CreateTemp("", "oracle-stderr")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	before := os.Stderr
	os.Stderr = file
	return func() string {
		os.Stderr = before
		defer file.Close()
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err.Error()
		}
		text, err := io.ReadAll(file)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}, nil
}
