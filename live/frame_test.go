package live

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestUsernames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"별하나": true, "a": true, strings.Repeat("가", 30): true, "👨‍👩‍👧": true, "user in": true, "myLIVEEND": true,
		"": false, " ": false, "\u3000": false, "\u200b": false, strings.Repeat("가", 31): false,
		"a\nb": false, "a\x00": false, "\x7f": false, "a\u0085": false, "a\u202eb": false, "a\u2028b": false,
		"\u3164": false, "\u1160": false, "\u115f": false, "\uffa0": false, "\ufe0f": false, "\U000e0100": false, "\u034f": false, "♥\ufe0f": true,
		"\u2800": false, " \u2800\u200b": false, "\U0001d159": false, "\u2800USERIN\u2800": false, "별\u2800하나": true, "\u2801": true,
		"USERIN": false, "userout": false, "LiveEnd": false, " USERIN ": false, "ＵＳＥＲＩＮ": false, "USER\u200dIN": false, "USER\u3164IN": false, "USERIN\ufe0f": false,
	} {
		require.Equal(t, good, goodUsername(name), "%q", name)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for message, fault := range map[string]*frame{
		"안녕": nil, " 별 ": nil, strings.Repeat("가", 500): nil, "👨‍👩‍👧": nil, "⠓⠊": nil,
		"": errBadFrame, " \n": errBadFrame, "\u2800": errBadFrame, "\u200b\u3164": errBadFrame,
		strings.Repeat("가", 501): errTooLong,
	} {
		require.Equal(t, fault, goodMessage(message), "%q", message)
	}
}

func TestNamesThatLookAlikeAreAlike(t *testing.T) {
	t.Parallel()
	require.Equal(t, nameKey("Star"), nameKey(" sTAR\u200b"))
	require.Equal(t, nameKey("별"), nameKey("별\u3164"))
	require.Equal(t, nameKey("별"), nameKey("\u2800별"))
	require.Equal(t, nameKey("가"), nameKey("\u1100\u1161")) // composed and decomposed
	require.NotEqual(t, nameKey("star"), nameKey("stat"))
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]command{
		`{}`:                                        {},
		`{"message":"m"}`:                           {message: "m"},
		`{"stat":"entry","username":"u"}`:           {stat: "entry", username: "u"},
		`{"stat":5,"message":"m"}`:                  {message: "m"},
		`{"STAT":"end","message":"m"}`:              {message: "m"}, // another key
		`{"message":["m"],"stat":null}`:             {},
		`{"stat":"chat","stat":"end"}`:              {stat: "end"},
		"\n{\"stat\":\"chat\",\"message\":\"\\n\"}": {stat: "chat", message: "\n"},
		`{"stat":"chat","message":"\ud83d"}`:        {stat: "chat", message: "\ufffd"},
	} {
		got, ok := parse([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "null", "[]", "1", `"x"`, "{", `{"a":1}x`, "{\"a\":\"\xff\"}"} {
		_, ok := parse([]byte(text))
		require.False(t, ok, text)
	}
}

func TestWireOfEveryLength(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 125 - 42, 126 - 42, 500, 70_000} {
		f := chatFrame("u", strings.Repeat("m", length))
		wire, err := f.wire()
		require.NoError(t, err)
		text, err := json.Marshal(f)
		require.NoError(t, err)
		require.Equal(t, byte(0x81), wire[0])
		require.Equal(t, string(text), string(wire[len(wire)-len(text):]))
		switch head := len(wire) - len(text); {
		case len(text) <= 125:
			require.Equal(t, 2, head)
		case len(text) <= 0xffff:
			require.Equal(t, 4, head)
		default:
			require.Equal(t, 10, head)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"stat":"entry","username":"u"}`, `{"stat":"chat","message":"m"}`, `{"stat":"end"}`, `[]`, `{"stat":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, ok := parse(data)
		if ok != (utf8.Valid(data) && json.Valid(data) && strings.HasPrefix(strings.TrimSpace(string(data)), "{")) {
			t.Fatalf("%q: %t", data, ok)
		}
		if goodUsername(c.username) {
			for _, marker := range []string{markerIn, markerOut, markerEnd} {
				if strings.EqualFold(c.username, marker) {
					t.Fatalf("%q passes", c.username)
				}
			}
			if n := utf8.RuneCountInString(c.username); n == 0 || n > maxUsername {
				t.Fatalf("%q passes", c.username)
			}
		}
		told := chatFrame(c.username, c.message)
		wire, err := told.wire()
		if err != nil {
			t.Fatal(err)
		}
		var read frame
		head := map[byte]int{126: 4, 127: 10}[wire[1]]
		if err := json.Unmarshal(wire[max(head, 2):], &read); err != nil || read.Message != c.message || read.Username != c.username {
			t.Fatalf("%q became %+v (%v)", data, read, err)
		}
	})
}
