package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/workflows"
)

// TestComposeKnowsAllSearchAttributes holds the set-up in docker-compose.yml
// against what the workflows set.
func TestComposeKnowsAllSearchAttributes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	known := map[string]string{}
	for _, found := range regexp.MustCompile(`--name (\w+) --type (\w+)`).FindAllSubmatch(text, -1) {
		known[string(found[1])] = string(found[2])
	}
	for _, found := range regexp.MustCompile(`for name in ([\w ]+); do\s+temporal operator search-attribute create --name \$\$name --type (\w+)`).FindAllSubmatch(text, -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAll(found[1], -1) {
			known[string(name)] = string(found[2])
		}
	}
	require.Equal(t, workflows.SearchAttributes(), known)
}

// TestComposeFileGetsWhatItNeeds holds what docker-compose.yml asks for against
// the example, and against what `byeolshow sandbox env` writes.
func TestComposeFileGetsWhatItNeeds(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	example, err := os.ReadFile("../../deploy/example.env")
	require.NoError(t, err)
	sandbox, err := sandboxEnv(settings{SandboxAddr: "sandbox:9090"})
	require.NoError(t, err)
	needed := regexp.MustCompile(`\$\{(\w+):\?\}`).FindAllSubmatch(compose, -1)
	require.NotEmpty(t, needed)
	for _, found := range needed {
		name := string(found[1])
		require.True(t, strings.Contains(string(example), "\n"+name+"="), "%s is not in the example", name)
		require.NotEmpty(t, sandbox[name], name)
	}
}
