// Command oracle answers what the Go original of libcni does.
//
// It reads requests from standard input, each a JSON object, and writes one
// line to standard output for each, until its input ends.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	requests := json.NewDecoder(in)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		var req request
		if err := requests.Decode(&req); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a request that is none: %w", err)
		}
		if err := answers.Encode(answerTo(&req)); err != nil {
			return err
		}
	}
}
