package iamport

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// openVBank opens a virtual account without a payment window.
func (s *Server) openVBank(r *http.Request, in input) (any, error) {
	amount, err := in.amount("amount")
	if merchant := in.text("merchant_uid"); err != nil || merchant == "" || len(merchant) > longestMerchantUID || amount == 0 {
		return nil, badRequest("merchant_uid, amount가 올바르지 않습니다.")
	}
	due, err := in.due()
	if err != nil {
		return nil, err
	}
	request := PayRequest{MerchantUID: in.text("merchant_uid"), Amount: &amount, PayMethod: "vbank", Outcome: "ready", VBankDate: due}
	impUID, err := s.Pay(r.Context(), request)
	if err != nil {
		return nil, fmt.Errorf("open virtual account: %w", err)
	}
	found, err := s.query(r.Context(), s.pool, "imp_uid = $1", impUID)
	if err != nil {
		return nil, err
	}
	return found[0].shown(), nil
}

// due is until when a virtual account is asked to be open, in unix seconds.
func (in input) due() (int64, error) {
	due, err := in.amount("vbank_due")
	if err != nil || due <= time.Now().Unix() {
		return 0, badRequest("vbank_due가 올바르지 않습니다.")
	}
	return due, nil
}

// waiting changes a virtual account that no money came to yet. The path names
// it, or the body.
func (s *Server) waiting(r *http.Request, in input, do func(*payment) error) (any, error) {
	impUID := chi.URLParam(r, "imp_uid")
	if impUID == "" {
		impUID = in.text("imp_uid")
	}
	p, err := s.change(r.Context(), impUID, func(_ pgx.Tx, p *payment) error {
		if p.Body.VBankNum == nil || p.Status != "ready" {
			return refuse("입금 대기 중인 가상계좌가 아닙니다.")
		}
		return do(p)
	})
	if err != nil {
		return nil, err
	}
	return p.shown(), nil
}

func (s *Server) amendVBank(r *http.Request, in input) (any, error) {
	return s.waiting(r, in, func(p *payment) (err error) {
		if in.has("amount") {
			if p.Amount, err = in.amount("amount"); err != nil || p.Amount == 0 {
				return badRequest("amount가 올바르지 않습니다.")
			}
		}
		if in.has("vbank_due") {
			p.Body.VBankDate, err = in.due()
		}
		return err
	})
}

func (s *Server) closeVBank(r *http.Request, in input) (any, error) {
	return s.waiting(r, in, func(p *payment) error {
		p.Status, p.Body.CancelledAt = "cancelled", time.Now().Unix()
		return nil
	})
}
