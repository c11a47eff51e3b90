// Command sidebyside plays scenes with go-cni, or with what is in its place, and prints what is to be seen of each.
//
//	sidebyside SCENE DIRECTORY
//
// It must be root of private user, network and mount namespaces: it mounts over directories of the system. Under another
// name it is a fake plugin.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if os.Getenv("CNI_COMMAND") != "" {
		os.Exit(fake())
	}
	if err := play(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// scenes are all that there are, by their names.
var scenes = map[string]func(*stage){}

// steps are what a scene lets the other program do.
var steps = map[string]func(*stage){}

func addScenes(more map[string]func(*stage)) bool {
	for name, scene := range more {
		scenes[name] = scene
	}
	return true
}

func play(name, dir string) (err error) {
	if step := steps[name]; step != nil {
		step(stageIn(dir))
		return nil
	}
	s := newStage(dir)
	func() {
		defer func() {
			if value := recover(); value != nil {
				if broken, ok := value.(stageBroken); ok {
					err = broken
					return
				}
				s.note("panic", true)
			}
		}()
		scenes[name](s)
	}()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	text, err := json.Marshal(s.seen)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "seen.json"), text, 0o600)
}
