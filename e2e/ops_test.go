package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Exit codes of the operator's commands.
const (
	done, refused, unknown, stillStuck, notAgreed = 0, 2, 3, 4, 5
)

// ops runs the operator's program as an operator does.
func ops(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command(shared.program, append([]string{"ops"}, args...)...)
	cmd.Env = append(append(cmd.Environ(), "LOG_LEVEL=error"), shared.env...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(text), done
}

// stuckRow is a line of ops stuck.
type stuckRow struct {
	Workflow   string `json:"workflow"`
	Stage      string `json:"stage"`
	WaitingFor string `json:"waiting_for"`
	Reason     string `json:"reason"`
	LastError  string `json:"last_error"`
	ToDo       string `json:"to_do"`
	Command    string `json:"command"`
}

func stuckNow(t *testing.T) map[string]stuckRow {
	t.Helper()
	output, code := ops(t, "stuck", "--json")
	require.Equal(t, done, code, output)
	var rows []stuckRow
	require.NoError(t, json.Unmarshal([]byte(output), &rows), output)
	found := map[string]stuckRow{}
	for _, row := range rows {
		found[row.Workflow] = row
	}
	return found
}

// awaitStuck waits until ops stuck lists a workflow, for a reason that Temporal's
// UI can be asked for, too.
func awaitStuck(t *testing.T, workflowID, reason string) stuckRow {
	t.Helper()
	var row stuckRow
	require.Eventually(t, func() bool {
		row = stuckNow(t)[workflowID]
		return row.Reason == reason
	}, 90*time.Second, 300*time.Millisecond, "%s is not stuck with %s: %+v", workflowID, reason, &row)
	require.Equal(t, reason, shared.stuck(t, workflowID))
	require.NotEmpty(t, row.WaitingFor)
	require.NotEmpty(t, row.ToDo)
	require.True(t, strings.HasSuffix(row.Command, " "+workflowID), row.Command)
	return row
}

func awaitMended(t *testing.T, workflowID string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, listed := stuckNow(t)[workflowID]
		return !listed
	}, 20*time.Second, 200*time.Millisecond, "%s is still stuck", workflowID)
	require.Empty(t, shared.stuck(t, workflowID))
}

// TestWhatVendorsBreakIsListedAndMended has Iamport, Clayful and Mux fail, finds
// what hangs in the operator's list, and mends it: by trying again once the
// vendor is back, or by hand. The money is back once.
func TestWhatVendorsBreakIsListedAndMended(t *testing.T) {
	p := newShopper(t)
	retried, _ := p.paid(line(1, 1))
	byHand, byHandPaid := p.paid(line(1, 1))
	retriedRefund, retriedAmount := retried.requested(retried.refund([]any{retried.piece(0, 1)}))
	byHandRefund, byHandAmount := byHand.requested(byHand.refund([]any{byHand.piece(0, 1)}))
	untold := p.buy(line(1, 1))
	kept, keptPaid := p.paid(line(1, 1))
	star := shared.newSeller(t)
	vod, _ := star.reserveIn(t, 2*time.Second)
	star.connect(t)
	shared.awaitStatus(t, vod, "live", 20*time.Second)
	require.Eventually(t, func() bool {
		return strings.Contains(string(shared.control(t, "GET", "/mux/assets", nil).body), streamOf(t, star))
	}, 20*time.Second, 200*time.Millisecond)

	fault(t, map[string]any{"vendor": "iamport", "method": "POST", "path": "/payments/cancel", "mode": "error", "status": 500})
	fault(t, map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/orders/" + untold.id + "/transactions", "mode": "error", "status": 503})
	fault(t, map[string]any{"vendor": "mux", "method": "DELETE", "path": "/video/v1/assets/", "mode": "error", "status": 403})
	require.Equal(t, 200, retried.accept(retriedRefund).status)
	require.Equal(t, 200, byHand.accept(byHandRefund).status)
	untold.verifyAs(untold.pay(nil), untold.amount)
	require.Equal(t, 202, star.command(t, "/media/delete/", vod).status)

	goodwill := make(chan string, 1)
	go func() {
		output, code := ops(t, "refund", kept.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
		goodwill <- fmt.Sprintf("%d: %s", code, output)
	}()

	first, second := "refund/"+retried.id+"/"+retriedRefund, "refund/"+byHand.id+"/"+byHandRefund
	show := "broadcast/" + strconv.Itoa(vod)
	row := awaitStuck(t, first, "upstream-down:iamport")
	require.Contains(t, row.LastError, "500")
	require.Contains(t, row.Command, "retry")
	awaitStuck(t, second, "upstream-down:iamport")
	require.Contains(t, awaitStuck(t, "order/"+untold.id, "upstream-down:clayful").LastError, "503")
	awaitStuck(t, show, "cleanup-failing:mux")
	output, code := ops(t, "stuck")
	require.Equal(t, done, code)
	require.Contains(t, output, "byeolshow ops retry "+first)
	output, code = ops(t, "broadcasts")
	require.Equal(t, done, code, output)
	require.Contains(t, output, "cleanup-failing:mux")

	// The fault goes on: nothing is mended by trying, and no operator is told that
	// money is back.
	awaitStuck(t, "order/"+kept.id, "upstream-down:iamport")
	answered := <-goodwill
	require.Contains(t, answered, fmt.Sprintf("%d: order/%s: upstream-down:iamport", stillStuck, kept.id))
	require.NotContains(t, answered, "are back")
	output, code = ops(t, "refund", kept.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
	require.Equal(t, refused, code, "the first is under way: %s", output)
	output, code = ops(t, "retry", retried.id)
	require.Equal(t, stillStuck, code, output)
	// What is done by hand is first taken out of the workflow's hands.
	output, code = ops(t, "resolve", second, "--reason", "이체했습니다")
	require.Equal(t, notAgreed, code, output)
	output, code = ops(t, "resolve", byHand.id, "--reason", "고객에게 이체합니다", "--yes")
	require.Equal(t, done, code, output)
	require.Contains(t, output, "refund "+byHandRefund)
	output, code = ops(t, "retry", second)
	require.Equal(t, refused, code, output)
	output, code = ops(t, "resolve", second, "--reason", "다시", "--yes")
	require.Equal(t, refused, code, "the money is not said to be back: %s", output)

	shared.control(t, "DELETE", "/faults", nil)
	for _, id := range []string{retried.id, "order/" + untold.id, strconv.Itoa(vod)} {
		output, code = ops(t, "retry", id)
		require.Equal(t, done, code, "%s: %s", id, output)
	}
	for _, id := range []string{first, "order/" + untold.id, show} {
		awaitMended(t, id)
	}
	retried.awaitReturned(retriedAmount, 1)
	// What somebody took out of the payment meanwhile is not what the operator saw
	// left: it is told that nothing was given, and may be asked for again.
	require.Equal(t, 200, shared.control(t, "POST", "/iamport/cancel", map[string]any{"imp_uid": keptPaid, "amount": 500, "notify": false}).status)
	output, code = ops(t, "retry", kept.id)
	require.Equal(t, stillStuck, code, output)
	require.Contains(t, awaitStuck(t, "order/"+kept.id, "operator-needed").LastError, "was not given")
	output, code = ops(t, "refund", kept.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
	require.Equal(t, done, code, output)
	kept.awaitReturned(1500, 2)
	output, code = ops(t, "resolve", kept.id, "--reason", "다시 보냈습니다", "--yes")
	require.Equal(t, done, code, output)
	awaitMended(t, "order/"+kept.id)
	untold.awaitStatus("paid", 20*time.Second)
	sum, _ := byHand.returned()
	require.Zero(t, sum, "it is a person's to give")
	got := shared.control(t, "POST", "/iamport/cancel", map[string]any{
		"imp_uid": byHandPaid, "amount": byHandAmount, "notify": false, "reason": "by hand [refund " + byHandRefund + "]",
	})
	require.Equal(t, 200, got.status)
	awaitStuck(t, second, "operator-needed")
	output, code = ops(t, "resolve", second, "--reason", "이체했습니다", "--by", "kim", "--returned", "--yes")
	require.Equal(t, done, code, output)
	awaitMended(t, second)
	byHand.awaitReturned(byHandAmount, 1)
	byHand.awaitStatus("partially-refunded", 20*time.Second)

	// What was done is in the history, and who did it is sealed.
	output, code = ops(t, "show", second)
	require.Equal(t, done, code, output)
	for _, words := range []string{"STUCK: upstream-down:iamport", "is asked to resolve", "no longer stuck", "Clayful: ", "Iamport: payment " + byHandPaid} {
		require.Contains(t, output, words)
	}
	require.NotContains(t, output, "kim")
	output, code = ops(t, "show", second, "--personal")
	require.Equal(t, done, code, output)
	require.Contains(t, output, `"By":"kim","Reason":"이체했습니다"`)
	output, code = ops(t, "show", strconv.Itoa(vod))
	require.Equal(t, done, code, output)
	require.Contains(t, output, "status: deleted")
}

// TestOddPaymentsAreListed is what goes wrong with payments while every vendor
// is well.
func TestOddPaymentsAreListed(t *testing.T) {
	t.Parallel()
	t.Run("a virtual account past its deadline", func(t *testing.T) {
		t.Parallel()
		o := newShopper(t).buy(line(1, 1))
		require.Equal(t, "vbankIssued", o.verify(o.pay(map[string]any{"pay_method": "vbank", "outcome": "ready", "expires_in": 1})))
		row := awaitStuck(t, "order/"+o.id, "operator-needed")
		require.Contains(t, row.LastError, "no deposit")
		output, code := ops(t, "retry", o.id)
		require.Equal(t, done, code, output)
		awaitMended(t, "order/"+o.id)
		o.awaitStatus("cancelled", 10*time.Second)
	})
	t.Run("a notice that never came", func(t *testing.T) {
		t.Parallel()
		o := newShopper(t).buy(line(1, 1))
		impUID := o.pay(nil)
		row := awaitStuck(t, "order/"+o.id, "notice-missing")
		require.Contains(t, row.LastError, impUID)
		require.Equal(t, "paid", row.Stage)
		// A refund is not what the order is listed for.
		output, code := ops(t, "refund", o.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
		require.Equal(t, done, code, output)
		require.Contains(t, output, "1000 won are back")
		require.Contains(t, stuckNow(t), "order/"+o.id)
		output, code = ops(t, "refund", o.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
		require.Equal(t, refused, code, "it is repeated: %s", output)
		o.awaitReturned(1000, 1)
		output, code = ops(t, "retry", o.id)
		require.Equal(t, done, code, output)
		awaitMended(t, "order/"+o.id)
		o.awaitReturned(1000, 1)
	})
	t.Run("a notice that is late", func(t *testing.T) {
		t.Parallel()
		o := newShopper(t).buy(line(1, 1))
		impUID := o.pay(nil)
		awaitStuck(t, "order/"+o.id, "notice-missing")
		require.Equal(t, 200, o.notice(impUID, "paid").status)
		awaitMended(t, "order/"+o.id)
	})
	t.Run("a wrong amount", func(t *testing.T) {
		t.Parallel()
		o := newShopper(t).buy(line(1, 1))
		require.Equal(t, "fail", o.verify(o.pay(map[string]any{"amount": 100})))
		row := awaitStuck(t, "order/"+o.id, "mismatch-given-back")
		require.Contains(t, row.LastError, "100 won were paid")
		o.awaitReturned(100, 1)
		o.awaitStatus("cancelled", 10*time.Second)
		output, code := ops(t, "retry", o.id)
		require.Equal(t, refused, code, output)
		output, code = ops(t, "resolve", o.id, "--reason", "고객에게 알림", "--yes")
		require.Equal(t, done, code, output)
		awaitMended(t, "order/"+o.id)
		o.awaitReturned(100, 1)
	})
}

// TestOperatorsCannotSpoilAnything asks workflows for what their state does not
// allow.
func TestOperatorsCannotSpoilAnything(t *testing.T) {
	t.Parallel()
	p := newShopper(t)
	placed := p.buy(line(1, 1))
	paid, _ := p.paid(line(1, 2))
	const unheard = "NXTHERE22222"
	reserved := strconv.Itoa(shared.newSeller(t).reserve(t, nil))
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"resolve what is not stuck":  {[]string{"resolve", paid.id, "--reason", "x", "--yes"}, refused},
		"resolve without a reason":   {[]string{"resolve", paid.id, "--yes"}, 1},
		"resolve with an empty one":  {[]string{"resolve", paid.id, "--reason", " ", "--yes"}, refused},
		"retry what does not pause":  {[]string{"retry", reserved}, refused},
		"refund what is not paid":    {[]string{"refund", placed.id, "--reason", "x", "--yes"}, refused},
		"refund more than was paid":  {[]string{"refund", paid.id, "--reason", "x", "--amount", "99999999", "--yes"}, refused},
		"refund less than nothing":   {[]string{"refund", paid.id, "--reason", "x", "--amount", "-1", "--yes"}, refused},
		"refund without agreement":   {[]string{"refund", paid.id, "--reason", "x"}, notAgreed},
		"refund a broadcast":         {[]string{"refund", reserved, "--reason", "x", "--yes"}, unknown},
		"retry what there is not":    {[]string{"retry", unheard}, unknown},
		"show what there is not":     {[]string{"show", unheard}, unknown},
		"show what cannot be":        {[]string{"show", "a'b"}, unknown},
		"resolve what there is not":  {[]string{"resolve", unheard + "/" + unheard, "--reason", "x", "--yes"}, unknown},
		"show an order":              {[]string{"show", paid.id}, done},
		"look again at a paid order": {[]string{"retry", paid.id}, done},
		"list broadcasts":            {[]string{"broadcasts", "--within", "24h", "--json"}, done},
	} {
		output, code := ops(t, c.args...)
		require.Equal(t, c.code, code, "%s: %s", name, output)
	}
	sum, _ := paid.returned()
	require.Zero(t, sum)
	require.Equal(t, "paid", paid.status())
}

// TestOperatorsRefund gives money back outside the shop's refunds, and never
// what a refund of the shop waits for.
func TestOperatorsRefund(t *testing.T) {
	t.Parallel()
	o, _ := newShopper(t).paid(line(1, 2))
	refund, amount := o.requested(o.refund([]any{o.piece(0, 1)}))
	output, code := ops(t, "refund", o.id, "--reason", "배송 지연", "--yes")
	require.Equal(t, refused, code, "a refund is being asked for: %s", output)
	require.Contains(t, output, refund)
	require.Equal(t, 200, o.accept(refund).status)
	o.awaitReturned(amount, 1)
	give := func(args ...string) { // the shop may still be learning of the one before
		t.Helper()
		require.Eventually(t, func() bool {
			output, code = ops(t, append([]string{"refund", o.id, "--yes"}, args...)...)
			return code != refused
		}, 30*time.Second, 200*time.Millisecond)
		require.Equal(t, done, code, output)
	}
	codes := make(chan int, 2)
	for range 2 { // two at once give once
		go func() {
			_, code := ops(t, "refund", o.id, "--reason", "배송 지연", "--amount", "1000", "--yes")
			codes <- code
		}()
	}
	require.Contains(t, []int{<-codes, <-codes}, done)
	o.awaitReturned(amount+1000, 2)
	give("--reason", "다시 지연", "--amount", "1000", "--again")
	o.awaitReturned(amount+2000, 3)
	give("--reason", "나머지")
	o.awaitReturned(o.amount, 4)
	output, code = ops(t, "refund", o.id, "--reason", "한 번 더", "--yes")
	require.Equal(t, refused, code, "nothing is left: %s", output)
	output, code = ops(t, "show", o.id, "--json")
	require.Equal(t, done, code, output)
	require.Contains(t, output, "operator refund 1000 of ")
	require.NotContains(t, output, "배송 지연")
}
