package e2e

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser is a phone's.
func browser(t *testing.T) context.Context {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	require.NotEmpty(t, program, "Chromium is missing, which this test looks at the page with: install it (Debian: apt-get install chromium)")
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile)))
	return ctx
}

// seen is what the browser finds on its page.
func seen[T any](t *testing.T, ctx context.Context, look chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	found, err := chromedp.Run(ctx, look)
	require.NoError(t, err)
	return found
}

// press presses the page's button. A pointer would need a screen that is drawn.
func press(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Evaluate[any](`document.querySelector("button").click()`)(ctx, target)
	return chromedp.Void{}, err
}

// TestTheResetPageInABrowser opens the mailed link on a phone, presses the
// button, and logs in with what is shown.
func TestTheResetPageInABrowser(t *testing.T) {
	who, said := signedUp(t)
	l := mailed(t, who.userID, said["email"].(string))
	for range 5 {
		require.Equal(t, 200, l.browse(t, "GET").status, "a preview of the link")
	}
	phone := browser(t)
	seen(t, phone, chromedp.Navigate("http://"+shared.api+l.path))
	require.Contains(t, seen(t, phone, chromedp.Title()), "비밀번호")
	require.Contains(t, seen(t, phone, chromedp.Text("h1")), "비밀번호")
	require.Equal(t, "rgb(91, 43, 224)", seen(t, phone, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("button")).backgroundColor`)),
		"the page's own style is let through")
	require.LessOrEqual(t, seen(t, phone, chromedp.Evaluate[float64](`document.documentElement.scrollWidth`)), 390.0, "nothing to scroll sideways")
	require.GreaterOrEqual(t, seen(t, phone, chromedp.Evaluate[float64](`document.querySelector("button").offsetHeight`)), 44.0, "a thumb hits it")
	require.True(t, logsIn(t, who.userID, "pass1234!"), "opening it changes nothing")

	seen(t, phone, chromedp.Steps(press, chromedp.WaitVisible("#password")))
	password := seen(t, phone, chromedp.Text("#password"))
	require.Regexp(t, passwordLetters, password)
	require.True(t, logsIn(t, who.userID, password))
	require.Equal(t, 401, admitted(t, who.token))

	seen(t, phone, chromedp.Steps(chromedp.Navigate("http://"+shared.api+l.path), press, chromedp.WaitVisible("main:not(:has(form)) h1")))
	require.Contains(t, seen(t, phone, chromedp.Text("h1")), "사용할 수 없는 링크")
	require.True(t, logsIn(t, who.userID, password), "the second time changes nothing")
}
