package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// itemsOfTheSpecification are its resources, with how many numbered items each
// has, and its items without a number.
var itemsOfTheSpecification = map[string]int{
	"Influencer": 10, "Auth": 4, "User": 8, "WishList": 3, "Media": 8, "Cart": 6, "Catalog": 1, "Category": 1, "Coupon": 3,
	"Coupon manager": 1, "Order": 4, "Payment": 1, "Product": 6, "Review": 6, "Refund": 2,
	"Images GET": 0, "Images POST": 0, "Images DELETE": 0, "require_login": 0, "is_influencer": 0, "Coupon policy": 0, "Order policy": 0,
}

// TestSpecification holds docs/specification.md to the specification's items,
// the routes that are served and the tests that exist.
func TestSpecification(t *testing.T) {
	want := []string{}
	for name, items := range itemsOfTheSpecification {
		if items == 0 {
			want = append(want, name)
		}
		for i := range items {
			want = append(want, fmt.Sprintf("%s %d", name, i+1))
		}
	}
	output, err := exec.Command(shared.program, "routes").Output()
	require.NoError(t, err)
	served := strings.Split(strings.TrimSpace(string(output)), "\n")
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	tests := []string{}
	for _, file := range files {
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(readFile(t, file), -1) {
			tests = append(tests, found[1])
		}
	}

	listed := []string{}
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(readFile(t, "..", "docs", "specification.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(line, "`") {
			continue
		}
		item := strings.TrimSpace(cells[1])
		listed = append(listed, item)
		routes, named := quoted.FindAllStringSubmatch(cells[3], -1), quoted.FindAllStringSubmatch(cells[4], -1)
		require.NotEmpty(t, routes, item)
		require.NotEmpty(t, named, item)
		for _, route := range routes {
			require.Contains(t, served, route[1], item)
		}
		after := regexp.MustCompile(`(?i)^Test` + regexp.MustCompile(`\W|_`).ReplaceAllString(item, "") + `(\D|$)`)
		for _, test := range named {
			require.Contains(t, tests, test[1], item)
			require.Regexp(t, after, test[1], "named after its item")
		}
	}
	require.ElementsMatch(t, want, listed)
}
