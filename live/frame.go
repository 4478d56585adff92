package live

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Bounds of what a person may send: bytes of a frame, characters of the rest.
const (
	maxFrame    = 8 << 10
	maxMessage  = 500
	maxUsername = 30
)

// The names of those who are nobody.
const (
	markerIn  = "USERIN"
	markerOut = "USEROUT"
	markerEnd = "LIVEEND"
)

// frame is what the room tells. Each kind has the fields it has.
type frame struct {
	Stat     string `json:"stat"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
	Count    *int   `json:"count,omitempty"`
	Username string `json:"username,omitempty"`
}

func chatFrame(username, message string) frame {
	return frame{Stat: "chat", Message: message, Username: username}
}

func inFrame(username string, count int) frame {
	return frame{Stat: "entry", Message: username + "님이 입장하셨습니다", Count: &count, Username: markerIn}
}

func outFrame(count int) frame {
	return frame{Stat: "entry", Message: markerOut, Count: &count, Username: markerOut}
}

func endFrame() frame {
	return frame{Stat: "end", Message: "방송이 종료되었습니다", Username: markerEnd}
}

func refusal(code, message string) *frame { return &frame{Stat: "error", Code: code, Message: message} }

// What a person is told who sent something wrong.
var (
	errBadFrame       = refusal("bad-frame", "잘못된 메시지입니다")
	errEntryRequired  = refusal("entry-required", "먼저 채팅방에 입장해 주세요")
	errAlreadyEntered = refusal("already-entered", "이미 입장하셨습니다")
	errBadUsername    = refusal("bad-username", "사용할 수 없는 이름입니다")
	errTakenUsername  = refusal("taken-username", "이미 사용 중인 이름입니다")
	errTooLong        = refusal("too-long", "메시지는 500자까지 보낼 수 있습니다")
	errRateLimited    = refusal("rate-limited", "메시지를 너무 자주 보내고 있습니다")
	errForbidden      = refusal("forbidden", "허용되지 않는 요청입니다")
)

// wire is the frame as it goes over the line: one WebSocket text message of a
// server, the same bytes for everybody.
func (f *frame) wire() ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(f); err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	text := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	const finalText = 0x81
	var head []byte
	switch n := uint64(len(text)); {
	case n <= 125:
		head = []byte{finalText, byte(n)}
	case n <= 0xffff:
		head = binary.BigEndian.AppendUint16([]byte{finalText, 126}, uint16(n))
	default:
		head = binary.BigEndian.AppendUint64([]byte{finalText, 127}, n)
	}
	return append(head, text...), nil
}

// pingWire is a WebSocket ping.
var pingWire = []byte{0x89, 0}

// command is what a person asks for. What has another type than it should is
// left out.
type command struct {
	stat, username, message string
}

// parse reads a person's frame. It is false for what is no JSON object.
func parse(data []byte) (command, bool) {
	var fields map[string]json.RawMessage
	if !utf8.Valid(data) || json.Unmarshal(data, &fields) != nil || fields == nil {
		return command{}, false
	}
	var c command
	for name, into := range map[string]*string{"stat": &c.stat, "username": &c.username, "message": &c.message} {
		if json.Unmarshal(fields[name], into) != nil {
			*into = ""
		}
	}
	return c, true
}

// visible is a text without what shows nothing. Symbols that are drawn blank are
// spaces.
func visible(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\u2800', r == '\U0001D159': // an empty braille cell, a null notehead
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, text))
}

// nameKey is a name as it is compared: letter case, width and what shows
// nothing make no difference.
func nameKey(name string) string {
	return strings.TrimSpace(cases.Fold().String(norm.NFKC.String(visible(name))))
}

func goodUsername(name string) bool {
	if utf8.RuneCountInString(name) > maxUsername {
		return false
	}
	for _, r := range name {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return false
		}
	}
	switch nameKey(name) {
	case "", nameKey(markerIn), nameKey(markerOut), nameKey(markerEnd):
		return false
	}
	return true
}

// goodMessage tells what is wrong with a message, nil when nothing is.
func goodMessage(message string) *frame {
	switch {
	case visible(message) == "":
		return errBadFrame
	case utf8.RuneCountInString(message) > maxMessage:
		return errTooLong
	}
	return nil
}
