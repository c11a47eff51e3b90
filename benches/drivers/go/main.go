// Command go is the driver of two contestants: the Go original and, with the build tag binding, our Go package.
//
// Settings, orders and answers are those of driver.h.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// settings are the KEY=VALUE arguments.
type settings map[string]string

func main() {
	setting := settings{"netns": "/run/netns/bench", "exec": "process"}
	for _, argument := range os.Args[1:] {
		key, value, _ := strings.Cut(argument, "=")
		setting[key] = value
	}
	orders := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	contestant := newContestant(setting)
	for orders.Scan() {
		if err := answers.Encode(contestant.answer(strings.Fields(orders.Text()))); err != nil {
			fail(err)
		}
	}
}

// fail ends the driver: after a failed operation there is nothing to measure.
func fail(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return value
}
