package social

import (
	"encoding/json"
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestKoreanMobile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+82 10-1234-5678": "01012345678", "+821012345678": "01012345678", "+82 010-1234-5678": "01012345678", "010-1234-5678": "01012345678",
		"01012345678": "01012345678", "+82 11-123-4567": "0111234567", "+82 (10) 1234.5678": "01012345678",
		"": "", "+1 202-555-0123": "", "+82 2-123-4567": "", "02-123-4567": "", "+82": "", "010-1234": "", "010-1234-56789": "", "전화": "", "010１2345678": "",
	} {
		require.Equal(t, want, koreanMobile(text), text)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\t별 \t하나": "별 하나", "a\x00b": "a b", "\u200b": "", "a\xffb": "ab", "😀": "😀", strings.Repeat("가", 150): strings.Repeat("가", 100),
	} {
		require.Equal(t, want, line(text), "%q", text)
	}
	for text, want := range map[string]string{
		"a@b.example": "a@b.example", "": "", "a": "", "A <a@b.example>": "", "a@b.example\n": "", "<a@b.example>": "", "a@b.example, c@d.example": "",
	} {
		require.Equal(t, want, address(text), "%q", text)
	}
}

// FuzzProfile reads what the vendors tell: whatever it is, what is taken over
// can be kept.
func FuzzProfile(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"kakao_account":{"profile":{"nickname":"별"},"email":"a@b.example","phone_number":"+82 10-1234-5678"}}`,
		`{"resultcode":"00","response":{"id":"x","nickname":"\u0000","name":"이름","email":"a","mobile":"010-1234-5678"}}`,
		`{"id":"1","name":"\ud800","email":"<a@b.example>"}`, `{}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, person := range []interface{ profile() (Profile, error) }{&kakaoPerson{}, &naverPerson{}, &facebookPerson{}} {
			if json.Unmarshal(data, person) != nil {
				continue
			}
			p, err := person.profile()
			if err != nil {
				require.Zero(t, p)
				require.NotEqual(t, IsRefused(err), IsUnavailable(err))
				continue
			}
			for _, text := range []string{p.Nickname, p.Name} {
				require.True(t, utf8.ValidString(text))
				require.LessOrEqual(t, utf8.RuneCountInString(text), longestText)
				require.False(t, strings.ContainsFunc(text, unicode.IsControl))
				require.Equal(t, strings.TrimSpace(text), text)
			}
			if p.Email != "" {
				parsed, err := mail.ParseAddress(p.Email)
				require.NoError(t, err)
				require.Equal(t, p.Email, parsed.Address)
			}
			if p.Mobile != "" {
				require.Regexp(t, `^01[0-9]{8,9}$`, p.Mobile)
			}
		}
		_ = troubled(400, data)
	})
}
