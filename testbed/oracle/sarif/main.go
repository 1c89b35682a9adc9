// Command sarif validates SARIF against the standard's own JSON schema: one
// document a line in, `valid` or what is wrong out.
//
// The schema is the one that the module go-sarif carries. Its own Validate sees
// a document only after it went through Go structs, which drop what they do not
// know and add what was not there; so the text is validated as it is.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
)

const module = "github.com/owenrumney/go-sarif/v3"

func main() {
	text, err := schema()
	if err != nil {
		panic(err)
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		result, err := schema.Validate(gojsonschema.NewBytesLoader(lines.Bytes()))
		switch {
		case err != nil:
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		case result.Valid():
			fmt.Println("valid")
		default:
			fmt.Println(result.Errors())
		}
	}
}

// schema reads the raw string constant out of the module's source.
func schema() (string, error) {
	build, _ := debug.ReadBuildInfo()
	version := ""
	for _, dependency := range build.Deps {
		if dependency.Path == module {
			version = dependency.Version
		}
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", err
	}
	file := filepath.Join(strings.TrimSpace(string(cache)), module+"@"+version, "pkg/report/v210/sarif/schema.go")
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	parts := strings.Split(string(source), "`")
	if len(parts) != 3 {
		return "", fmt.Errorf("%s holds no single raw string", file)
	}
	return parts[1], nil
}
