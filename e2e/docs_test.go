package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browse starts a headless Chromium. Complaints are its errors so far, and what
// it asked of anybody but the API.
func browse(t *testing.T) (ctx context.Context, complaints func() []string) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	var mu sync.Mutex
	all := []string{}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		complaint := ""
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			complaint = event.ExceptionDetails.Text
		case *log.EventEntryAdded:
			complaint = event.Entry.Text
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(event.Request.URL, "http://"+shared.api+"/") && !strings.HasPrefix(event.Request.URL, "data:") {
				complaint = "asked " + event.Request.URL
			}
		}
		if complaint != "" {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, complaint)
		}
	}), "Chromium has to be here: apt-get install chromium")
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// TestDocs tries calls on the page that shows the document: public ones, a
// login, and one that only the login allows.
func TestDocs(t *testing.T) {
	ctx, complaints := browse(t)
	try := func(tag, operation string) (status, answer string) {
		block := "#operations-" + tag + "-" + operation
		require.NoError(t, chromedp.Do(ctx, chromedp.Click(block+" .opblock-summary-control"), chromedp.Click(block+" .execute")))
		status, err := chromedp.Run(ctx, chromedp.Text(block+" .live-responses-table tbody .response-col_status"))
		require.NoError(t, err)
		answer, err = chromedp.Run(ctx, chromedp.Text(block+" .live-responses-table tbody .response-col_description .highlight-code"))
		require.NoError(t, err)
		return strings.TrimSpace(status), answer
	}
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("http://"+shared.api+"/docs/")))
	for _, tag := range []string{"auth", "media", "service"} {
		require.NoError(t, chromedp.Do(ctx, chromedp.Click("#operations-tag-"+tag)))
	}
	status, answer := try("service", "ping")
	require.Equal(t, "200", status)
	require.Contains(t, answer, "pong")
	status, answer = try("media", "listReady")
	require.Equal(t, "200", status)
	require.Contains(t, answer, "[")
	status, answer = try("auth", "logIn") // by the document's example
	require.Equal(t, "200", status, answer)
	status, answer = try("media", "listAlarms")
	require.Equal(t, "200", status, answer)
	require.Empty(t, complaints())
}
