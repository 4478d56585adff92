package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestPlaygroundIsNotThereInProduction(t *testing.T) {
	api := shared.startAPI(t, "PLAYGROUND=")
	for _, path := range []string{"/playground", "/playground/", "/playground/app.js"} {
		require.Equal(t, 404, call(t, "GET", "http://"+api.address+path, "", nil).status)
	}
}

// TestPlayground does in a browser what a newcomer would: start a show, say
// something in it, buy what it sells, pay, and see the order paid.
func TestPlayground(t *testing.T) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1280, 1000))
	browser, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	complaints := make(chan string, 100)
	page, leave := chromedp.NewContext(browser, chromedp.WithListener(func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			complaints <- event.ExceptionDetails.Text + " " + event.ExceptionDetails.URL
		case *log.EventEntryAdded:
			if event.Entry.Level == "error" && !strings.Contains(event.Entry.URL, shared.sandbox) {
				complaints <- event.Entry.Text + " " + event.Entry.URL
			}
		}
	}))
	t.Cleanup(leave)
	page, late := context.WithTimeout(page, 2*time.Minute)
	t.Cleanup(late)
	script := func(expression string) string {
		text, _ := chromedp.Run(page, chromedp.Evaluate[string](expression)) // the page may be between two others
		return text
	}
	reads := func(selector, text string) {
		t.Helper()
		require.Eventually(t, func() bool {
			return strings.Contains(script(`document.querySelector('`+selector+`')?.textContent ?? ''`), text)
		}, 40*time.Second, 100*time.Millisecond, "%s: %s", selector, text)
	}
	press := func(selector string) {
		t.Helper()
		require.NoError(t, chromedp.Do(page, chromedp.Click(selector)), selector)
	}
	require.NoError(t, chromedp.Do(page, chromedp.Navigate("http://"+shared.api+"/playground")))
	reads("#cart", "empty")
	press("#start")
	reads("#badge", "ready")
	require.Contains(t, script(`document.getElementById("workflow").href`), shared.console)
	// The simulated encoder is off here: the influencer's is connected by hand.
	star := &seller{person{token: shared.logIn(t, "star1", "star1234!")}, shared, ""}
	star.key = shared.call(t, "GET", "/influencer/streamkey/", star.token, nil).object(t)["success"].(map[string]any)["Stream_key"].(string)
	star.connect(t)
	reads("#badge", "live")
	reads("#people", "1 in the chat")
	require.NoError(t, chromedp.Do(page, chromedp.SendKeys("#text", "안녕하세요")))
	press("#say button")
	reads("#chat", "안녕하세요")
	press("#products li button")
	reads("#total", "14,900")
	press("#checkout:not([disabled])")
	reads("#status", "placed")
	require.Contains(t, script(`document.getElementById("pay").href`), shared.sandbox)
	press("#pay")
	press(`button[value="approve"]`)
	reads("#status.completed", "paid")
	press("#end")
	reads("#chat", "종료")
	star.disconnect(t)
	select {
	case complaint := <-complaints:
		require.Fail(t, complaint)
	default:
	}
}
