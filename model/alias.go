package model

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longestAlias is in characters, as a broadcast's influencer_name can hold.
const longestAlias = 200

// Alias is a nickname as it is kept: in Unicode's composed form, without blanks
// around it. The error is CodeInvalid when nothing is left, or when it is too
// long or holds control characters.
func Alias(text string) (string, error) {
	alias := strings.TrimSpace(norm.NFC.String(text))
	switch {
	case alias == "":
		return "", Invalid("alias is empty")
	case utf8.RuneCountInString(alias) > longestAlias:
		return "", Invalid("alias is too long")
	case strings.ContainsFunc(alias, unicode.IsControl):
		return "", Invalid("alias holds control characters")
	}
	return alias, nil
}

// AliasKey is what two nicknames have in common that may not both be given:
// they differ in letter case, in blanks around them, or in how Unicode composes
// them.
func AliasKey(alias string) string {
	return norm.NFC.String(strings.ToLower(strings.TrimSpace(norm.NFC.String(alias))))
}

// SameAlias tells whether two nicknames may not both be given.
func SameAlias(a, b string) bool { return AliasKey(a) == AliasKey(b) }
