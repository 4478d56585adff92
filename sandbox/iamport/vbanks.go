package iamport

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// openVBank opens a virtual account without a payment window.
func (s *Server) openVBank(r *http.Request, in input) (any, error) {
	amount, err := in.amount("amount")
	if err != nil || in.text("merchant_uid") == "" || amount == 0 {
		return nil, badRequest("merchant_uid, amount가 올바르지 않습니다.")
	}
	due, err := in.amount("vbank_due")
	if err != nil || due <= time.Now().Unix() {
		return nil, badRequest("vbank_due가 올바르지 않습니다.")
	}
	request := PayRequest{MerchantUID: in.text("merchant_uid"), Amount: &amount, PayMethod: "vbank", Outcome: "ready", ExpiresIn: due - time.Now().Unix()}
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

// waiting changes a virtual account that no money came to yet.
func (s *Server) waiting(r *http.Request, do func(*payment) error) (any, error) {
	p, err := s.change(r.Context(), chi.URLParam(r, "imp_uid"), func(_ pgx.Tx, p *payment) error {
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
	return s.waiting(r, func(p *payment) (err error) {
		if in.has("amount") {
			if p.Amount, err = in.amount("amount"); err != nil {
				return err
			}
		}
		if in.has("vbank_due") {
			p.Body.VBankDate, err = strconv.ParseInt(in.text("vbank_due"), 10, 64)
		}
		return err
	})
}

func (s *Server) closeVBank(r *http.Request, _ input) (any, error) {
	return s.waiting(r, func(p *payment) error {
		p.Status, p.Body.CancelledAt = "cancelled", time.Now().Unix()
		return nil
	})
}
