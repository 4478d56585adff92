package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/model"
)

func TestAlias(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"별하나": "별하나", "  별 하나\n": "별 하나", "\u1107\u1167\u11af": "별", "Star": "Star",
		"": "", " \t ": "", "a\x00b": "", "a\nb": "", strings.Repeat("별", 200): strings.Repeat("별", 200), strings.Repeat("별", 201): "",
	} {
		alias, err := model.Alias(text)
		require.Equal(t, want, alias, "%q", text)
		require.Equal(t, want == "", model.CodeOf(err) == model.CodeInvalid, "%q", text)
	}
}

func TestSameAlias(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{{"Star", "sTAR"}, {"별", " 별 "}, {"별", "\u1107\u1167\u11af"}, {"É", "e\u0301"}} {
		require.True(t, model.SameAlias(same[0], same[1]), "%q", same)
	}
	for _, differ := range [][2]string{{"별", "별2"}, {"별 하나", "별하나"}, {"O", "0"}} {
		require.False(t, model.SameAlias(differ[0], differ[1]), "%q", differ)
	}
}
