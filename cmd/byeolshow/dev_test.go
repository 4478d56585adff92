package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelayGoesOnAfterALongLine(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	long := strings.Repeat("x", 1<<20)
	relay(&shown, "api", strings.NewReader(long+"\nstill here\nand the end"))
	require.Equal(t, "api      "+long+"\napi      still here\napi      and the end\n", shown.String())
}
