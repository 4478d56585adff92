package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/model"
)

// TestJudge goes through every row of the contract's payment table.
func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	paid := model.Payment{ImpUID: "imp_1", Method: "card", Status: "paid", Currency: "KRW", Amount: 1000, PaidAt: &now}
	with := func(p model.Payment, change func(*model.Payment)) model.Payment { change(&p); return p }
	placed := model.Order{Due: 1000, Status: model.OrderPlaced}
	cancelled := model.Order{Due: 1000, Status: model.OrderCancelled}
	vbank := model.Payment{ImpUID: "imp_1", Method: "vbank", Status: "ready", Currency: "KRW", Amount: 1000}
	for name, c := range map[string]struct {
		payment     model.Payment
		order       model.Order
		paidBy      string
		verdict     model.Verdict
		consequence model.Consequence
	}{
		"paid as due":              {paid, placed, "", model.VerdictSuccess, model.Sync},
		"known to be paid":         {paid, placed, "imp_1", model.VerdictSuccess, model.Sync},
		"the status word is wrong": {with(paid, func(p *model.Payment) { p.Status = "failed" }), placed, "", model.VerdictSuccess, model.Sync},
		"partly given back":        {with(paid, func(p *model.Payment) { p.Returned, p.Status = 400, "cancelled" }), placed, "", model.VerdictSuccess, model.Sync},
		"less than due":            {with(paid, func(p *model.Payment) { p.Amount = 999 }), placed, "", model.VerdictFail, model.GiveBackAndCancel},
		"more than due":            {with(paid, func(p *model.Payment) { p.Amount = 1001 }), placed, "", model.VerdictFail, model.GiveBackAndCancel},
		"dollars":                  {with(paid, func(p *model.Payment) { p.Currency = "USD" }), placed, "", model.VerdictFail, model.GiveBackAndCancel},
		"of a dead order":          {paid, cancelled, "", model.VerdictFail, model.GiveBack},
		"a second one":             {paid, placed, "imp_0", model.VerdictFail, model.GiveBack},
		"nothing left":             {with(paid, func(p *model.Payment) { p.Returned, p.Status = 1000, "cancelled" }), placed, "", model.VerdictFail, model.Nothing},
		"virtual account":          {vbank, placed, "", model.VerdictVBankIssued, model.Sync},
		"virtual account, wrong":   {with(vbank, func(p *model.Payment) { p.Amount = 900 }), placed, "", model.VerdictFail, model.Nothing},
		"virtual account, dead":    {vbank, cancelled, "", model.VerdictFail, model.Nothing},
		"virtual account, paid":    {vbank, placed, "imp_0", model.VerdictFail, model.Nothing},
		"failed":                   {with(vbank, func(p *model.Payment) { p.Status = "failed" }), placed, "", model.VerdictFail, model.Nothing},
		"an open window":           {with(vbank, func(p *model.Payment) { p.Method = "card" }), placed, "", model.VerdictPending, model.Nothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict, consequence := model.Judge(c.payment, c.order, c.paidBy)
			require.Equal(t, c.verdict, verdict)
			require.Equal(t, c.consequence, consequence)
		})
	}
}

func TestOrderIsDone(t *testing.T) {
	t.Parallel()
	arrived := time.Now()
	week := 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		order model.Order
		due   bool
	}{
		"arrived":           {model.Order{Status: "paid", ArrivedAt: &arrived}, true},
		"on its way":        {model.Order{Status: "paid"}, false},
		"done":              {model.Order{Status: "paid", ArrivedAt: &arrived, Done: true}, false},
		"a refund is asked": {model.Order{Status: "under-refunded", ArrivedAt: &arrived, Refunds: []model.Refund{{Status: model.RefundRequested}}}, false},
		"a refund is over":  {model.Order{Status: "partially-refunded", ArrivedAt: &arrived, Refunds: []model.Refund{{Status: model.RefundAccepted}}}, true},
		"cancelled":         {model.Order{Status: model.OrderCancelled, ArrivedAt: &arrived}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, due := c.order.DoneAt(week)
			require.Equal(t, c.due, due)
			if due {
				require.Equal(t, arrived.Add(week), at)
			}
		})
	}
}

func TestOrderIsUndone(t *testing.T) {
	t.Parallel()
	asked := []model.Refund{{Status: model.RefundRequested}}
	require.True(t, model.Order{Status: model.OrderRefunded}.Undone())
	require.False(t, model.Order{Status: model.OrderRefunded, Refunds: asked}.Undone())
	require.False(t, model.Order{Status: model.OrderRefunded, Done: true}.Undone())
	require.False(t, model.Order{Status: "partially-refunded"}.Undone())
}
