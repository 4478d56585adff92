package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) forgetUserRoutes(r chi.Router) {
	r.With(a.limit(a.Limits.FindIDPerMinute, time.Minute, byIP)).Post("/forgetuser/find_id", a.wrapped(a.findID))
	r.With(a.limit(a.Limits.MailPerHour, time.Hour, byIP), a.limit(a.Limits.MailPerAddress, time.Hour, byMail)).
		Post("/forgetuser/get_certificate", a.wrapped(a.mailReset))
}

func (a *api) findID(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Email string `json:"email"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email := strings.TrimSpace(body.Email)
	if email == "" {
		return bad("email is missing")
	}
	customers, err := a.Clayful.CustomersBy(r.Context(), clayful.ByEmail, email)
	if err != nil {
		return err
	}
	for i := range customers {
		c := &customers[i]
		if !strings.EqualFold(string(c.Email), email) {
			continue
		}
		if vendors := c.SocialVendors(); len(vendors) > 0 {
			return &refusal{Status: http.StatusBadRequest, Message: "소셜 계정으로 가입된 회원입니다", Social: vendors[0]}
		}
		if c.UserID != "" {
			return success(w, http.StatusAccepted, map[string]string{"id": masked(string(c.UserID))})
		}
	}
	return refuse(http.StatusBadRequest, "가입된 회원이 없습니다")
}

// masked shows the first four characters of an id, and how many follow.
func masked(id string) string {
	const shown = 4
	characters := []rune(id)
	if len(characters) <= shown {
		return id
	}
	return string(characters[:shown]) + strings.Repeat("*", len(characters)-shown)
}

// mailReset has a link mailed with which a new password can be set. The answer
// comes before anybody looks whether there is such a member, so that it is the
// same whether there is.
func (a *api) mailReset(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		UserID string `json:"userId"`
		Email  string `json:"email"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	in := workflows.ResetMailInput{UserID: strings.TrimSpace(body.UserID), Email: strings.TrimSpace(body.Email)}
	if in.UserID == "" || in.Email == "" {
		return refuse(http.StatusBadRequest, "아이디와 이메일을 입력해 주세요")
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	options := personal(workflows.ResetMailID(rand.Text()), "Mail to set a new password", temporal.SearchAttributes{})
	if _, err := a.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeResetMail, in); err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "입력하신 정보와 일치하는 회원이 있으면 메일을 보내 드립니다")
}
