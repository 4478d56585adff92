package social

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Profile is what a vendor tells about a person; what it does not tell, or what
// cannot be used, is "".
type Profile struct {
	Nickname string
	Name     string
	Email    string
	Mobile   string // the digits of a Korean number, as 01012345678
}

// longestText is how much of a name is taken over, in characters.
const longestText = 100

// line is a text as one line without anything unprintable.
func line(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }), " ")
	if utf8.RuneCountInString(text) > longestText {
		text = strings.TrimSpace(string([]rune(text)[:longestText]))
	}
	return text
}

// address is a mail address and nothing else.
func address(text string) string {
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Name != "" || parsed.Address != text || line(text) != text {
		return ""
	}
	return text
}

// koreanMobile is the digits of a Korean number, dialled within the country.
func koreanMobile(text string) string {
	text, abroad := strings.CutPrefix(text, "+82")
	var digits strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r != ' ' && r != '-' && r != '.' && r != '(' && r != ')':
			return ""
		}
	}
	number := digits.String()
	if abroad && !strings.HasPrefix(number, "0") {
		number = "0" + number
	}
	if !strings.HasPrefix(number, "01") || len(number) < 10 || len(number) > 11 {
		return ""
	}
	return number
}
