package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated parts of the documents")

const (
	deploymentPage = "../../docs/deployment.md"
	tableBegins    = "<!-- settings: written by make generate -->\n"
	tableEnds      = "<!-- settings end -->\n"
)

// TestSettingsTable holds the table of docs/deployment.md against the settings
// as the program reads them.
func TestSettingsTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(deploymentPage)
	require.NoError(t, err)
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	require.True(t, begins && ends, "the page has no place for the table")
	fresh := before + tableBegins + settingsTable(t) + tableEnds + after
	if *update {
		require.NoError(t, os.WriteFile(deploymentPage, []byte(fresh), 0o600))
		return
	}
	require.Equal(t, fresh, string(text), "run make generate")
}

// settingsTable is all settings, with what config.go says of each.
func settingsTable(t *testing.T) string {
	t.Helper()
	needs := neededBy(t)
	var table strings.Builder
	table.WriteString("| variable | default | needed by | what it is |\n|---|---|---|---|\n")
	structs := map[string]*ast.StructType{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if fields, ok := spec.Type.(*ast.StructType); ok {
					structs[spec.Name.Name] = fields
				}
			}
			return true
		})
	}
	var row func(prefix string, fields *ast.StructType)
	row = func(prefix string, fields *ast.StructType) {
		for _, field := range fields.Fields.List {
			quoted, err := strconv.Unquote(field.Tag.Value)
			require.NoError(t, err)
			tag := reflect.StructTag(quoted)
			if group, ok := tag.Lookup("envPrefix"); ok {
				row(prefix+group, structs[field.Type.(*ast.Ident).Name])
				continue
			}
			name := prefix + tag.Get("env")
			comment := strings.TrimSpace(field.Comment.Text())
			require.NotEmpty(t, comment, "nothing is said of %s", name)
			standard := tag.Get("envDefault")
			if standard != "" {
				standard = "`" + standard + "`"
			}
			fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, standard, strings.Join(needs[name], ", "), comment)
			delete(needs, name)
		}
	}
	row("", structs["settings"])
	require.Empty(t, slices.Collect(maps.Keys(needs)), "needed, yet no settings")
	return table.String()
}

// neededBy are the roles that refuse to start without a setting, by setting.
func neededBy(t *testing.T) map[string][]string {
	t.Helper()
	needs := map[string][]string{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		fixed := map[string]string{"ops": "ops", "transfer": "sandbox"}[strings.TrimSuffix(strings.SplitN(path, "_", 2)[0], ".go")]
		role := fixed
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || strings.HasSuffix(path, "_test.go") {
				return true
			}
			if named, ok := call.Fun.(*ast.Ident); ok && (named.Name == "command" || named.Name == "role") && fixed == "" {
				role = literal(call.Args[0])
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "need" {
				for _, argument := range call.Args {
					ast.Inspect(argument, func(n ast.Node) bool {
						if e, ok := n.(ast.Expr); ok && literal(e) != "" && !slices.Contains(needs[literal(e)], role) {
							needs[literal(e)] = append(needs[literal(e)], role)
						}
						return true
					})
				}
			}
			return true
		})
	}
	for _, roles := range needs {
		slices.Sort(roles)
	}
	return needs
}

func literal(e ast.Expr) string {
	text, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	value, _ := strconv.Unquote(text.Value)
	return value
}
