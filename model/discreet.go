package model

import "regexp"

// revealing are mail addresses, and numbers of nine digits and more, as of
// phones and accounts, in one piece or grouped.
var revealing = regexp.MustCompile(`[^\s@"'<>(){}\[\],:;=]+@[^\s@"'<>(){}\[\],:;=]+\.\p{L}{2,}|\b\d(?:-?\d){8,}\b|\b\d(?: ?\d){8,}\b`)

// Discreet are somebody else's words without what may tell who a customer is.
// Ids, amounts and dates stay.
func Discreet(words string) string { return revealing.ReplaceAllString(words, "…") }
