package api

import (
	"context"
	"net/http"
	"regexp"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// Fields of a customer's meta that hold what they agreed to, and the account
// that money of a virtual account goes back to.
const (
	metaActive     = "active" // false is withdrawn
	metaPushAgree  = "push_agree"
	metaBankHolder = "refund_holder"
	metaBank       = "refund_bank"
	metaAccount    = "refund_account"
)

func (a *api) settingRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.login)
		r.Get("/user/active", a.wrapped(a.isActive))
		r.Get("/user/push_agree", a.wrapped(a.pushAgree))
		r.Post("/user/push_agree", a.wrapped(a.flipPushAgree))
		r.Get("/user/live-agree", a.wrapped(a.liveAgree))
		r.Post("/user/live-agree", a.wrapped(a.flipLiveAgree))
		r.Get("/user/refund_bank", a.wrapped(a.refundBank))
		r.Post("/user/refund_bank", a.wrapped(a.setRefundBank))
	})
}

func (a *api) isActive(w http.ResponseWriter, r *http.Request) error {
	return bare(w, http.StatusOK, map[string]bool{"active": !caller(r).Customer.MetaFalse(metaActive)})
}

func (a *api) pushAgree(w http.ResponseWriter, r *http.Request) error {
	return success(w, http.StatusOK, map[string]bool{"push_agree": caller(r).Customer.MetaTrue(metaPushAgree)})
}

func (a *api) flipPushAgree(w http.ResponseWriter, r *http.Request) error {
	m := caller(r)
	var agrees bool
	err := a.exclusively(r.Context(), "push_agree/"+m.ID, func(ctx context.Context) error {
		customer, err := a.Clayful.Me(ctx, m.Token)
		if err != nil {
			return err
		}
		agrees = !customer.MetaTrue(metaPushAgree)
		return a.setMeta(ctx, m, map[string]any{metaPushAgree: agrees})
	})
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]bool{"push_agree": agrees})
}

func (a *api) setMeta(ctx context.Context, m *member, meta map[string]any) error {
	defer a.sessions.forget(ctx, m.ID)
	return a.Clayful.UpdateMe(ctx, m.Token, map[string]any{"meta": meta})
}

func (a *api) liveAgree(w http.ResponseWriter, r *http.Request) error {
	agrees, err := a.Store.WantsLivePushes(r.Context(), caller(r).ID)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]bool{"live_push_agree": agrees})
}

func (a *api) flipLiveAgree(w http.ResponseWriter, r *http.Request) error {
	m := caller(r)
	var agrees bool
	err := a.exclusively(r.Context(), "live-agree/"+m.ID, func(ctx context.Context) error {
		agreed, err := a.Store.WantsLivePushes(ctx, m.ID)
		if err != nil {
			return err
		}
		agrees = !agreed
		return a.Store.SetLivePushes(ctx, m.ID, agrees)
	})
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]bool{"live_push_agree": agrees})
}

// bankAccount is where money of a virtual account goes back to. Bank is the
// bank's code.
type bankAccount struct {
	Holder  *string `json:"refund_holder"`
	Bank    *string `json:"refund_bank"`
	Account *string `json:"refund_account"`
}

func accountOf(c *clayful.Customer) bankAccount {
	return bankAccount{orNull(c.MetaString(metaBankHolder)), orNull(c.MetaString(metaBank)), orNull(c.MetaString(metaAccount))}
}

func (a *api) refundBank(w http.ResponseWriter, r *http.Request) error {
	return bare(w, http.StatusOK, accountOf(caller(r).Customer))
}

var bankCode = regexp.MustCompile(`^[0-9]{2,3}$`)

// longestAccount is more characters than any bank's account has.
const longestAccount = 64

func (a *api) setRefundBank(w http.ResponseWriter, r *http.Request) error {
	var account bankAccount
	if err := decode(r, &account); err != nil {
		return err
	}
	for _, value := range []*string{account.Holder, account.Bank, account.Account} {
		if value == nil || *value == "" || len([]rune(*value)) > longestAccount {
			return bad("refund_holder, refund_bank or refund_account is missing or too long")
		}
	}
	if !bankCode.MatchString(*account.Bank) {
		return bad("refund_bank is no bank code")
	}
	err := a.setMeta(r.Context(), caller(r), map[string]any{
		metaBankHolder: account.Holder, metaBank: account.Bank, metaAccount: account.Account,
	})
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, account)
}
