package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) signUpRoutes(r chi.Router) {
	r.With(a.limit(a.Limits.SignUpPerMinute, time.Minute, byIP)).Put("/user", a.wrapped(a.signUp))
}

// newMember is who wants to become one.
type newMember struct {
	UserID     string          `json:"userId"`
	Email      string          `json:"email"`
	Password   string          `json:"password"`
	RePassword string          `json:"re_password"`
	Alias      string          `json:"alias"`
	Name       string          `json:"name"`
	Mobile     string          `json:"mobile"`
	Address    json.RawMessage `json:"address"`
	Phone      string          `json:"phone"`
	Gender     string          `json:"gender"`
	Birthdate  string          `json:"birthdate"`
}

func (m *newMember) check() error {
	for _, field := range []*string{&m.UserID, &m.Email, &m.Alias, &m.Name, &m.Mobile} {
		if *field = strings.TrimSpace(*field); *field == "" {
			return refuse(http.StatusBadRequest, "모든 항목을 입력해 주세요")
		}
	}
	if m.Password == "" {
		return refuse(http.StatusBadRequest, "모든 항목을 입력해 주세요")
	}
	if strings.ContainsFunc(m.UserID, notInUserID) || m.UserID == "any" || m.UserID == "none" {
		// The shop's filters mean something else by these.
		return bad("userId holds a comma or a blank, or is a word of the shop's")
	}
	if address, err := mail.ParseAddress(m.Email); err != nil || address.Address != m.Email {
		return bad("email is no mail address")
	}
	var err error
	m.Alias, err = model.Alias(m.Alias)
	return err
}

func notInUserID(r rune) bool { return r == ',' || unicode.IsSpace(r) || unicode.IsControl(r) }

// fields are the account at the shop. signUp is the workflow that makes it.
func (m *newMember) fields(group, signUp string) (map[string]any, error) {
	fields := map[string]any{
		"userId": m.UserID, "email": m.Email, "password": m.Password, "alias": m.Alias, "mobile": m.Mobile,
		"name": clayful.Name{First: &m.Alias, Full: &m.Name}, "groups": []string{group}, "meta": map[string]any{model.SignUpKey: signUp},
	}
	for field, value := range map[string]string{"phone": m.Phone, "gender": m.Gender, "birthdate": m.Birthdate} {
		if value != "" {
			fields[field] = value
		}
	}
	address, err := readAddresses(m.Address)
	if err != nil {
		return nil, err
	}
	if address.text("name", "full") != "" {
		fields["address"] = address.fields(nil)
	}
	return fields, nil
}

// signUp makes a member. The account is created from here, because a password
// travels through no history; its workflow sees to it that it is whole, or
// gone, whatever happens to either.
func (a *api) signUp(w http.ResponseWriter, r *http.Request) error {
	var m newMember
	if err := decode(r, &m); err != nil {
		return err
	}
	if m.Password != "" && m.RePassword != "" && m.Password != m.RePassword {
		return bare(w, http.StatusBadRequest, "비밀번호가 서로 다릅니다")
	}
	if m.RePassword == "" {
		m.Password = ""
	}
	if err := m.check(); err != nil {
		return err
	}
	id := workflows.SignUpID(rand.Text())
	fields, err := m.fields(a.MemberGroup, id)
	if err != nil {
		return err
	}
	if err := a.usable(r.Context(), m.Alias, ""); err != nil {
		return err
	}
	// What is begun is finished, even if the caller has hung up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWait)
	defer cancel()
	if err := a.claimFor(ctx, id, workflows.SignUpInput{Alias: m.Alias, UserID: m.UserID}); err != nil {
		return err
	}
	if err := a.createAccount(ctx, id, fields); err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "가입되었습니다")
}

// claimFor starts a sign-up's workflow, which claims the nickname.
func (a *api) claimFor(ctx context.Context, id string, in workflows.SignUpInput) error {
	start := a.Temporal.NewWithStartWorkflowOperation(personal(id, "Sign-up of a new customer", temporal.SearchAttributes{}), workflows.TypeSignUp, in)
	handle, err := a.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: workflows.UpdateClaim, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	return answered(ctx, handle, err)
}

// createAccount creates the account and tells its workflow what came of it.
func (a *api) createAccount(ctx context.Context, id string, fields map[string]any) error {
	deadline, _ := ctx.Deadline()
	word, out := workflows.UpdateCreated, workflows.Outcome{Until: deadline.Add(-time.Second)} // what comes then still arrives
	var refused error
	var err error
	out.CustomerID, err = a.Clayful.CreateCustomer(ctx, fields)
	switch {
	case clayful.IsUnavailable(err), err == nil && out.CustomerID == "":
		word = workflows.UpdateUnsure
	case err != nil:
		word, refused = workflows.UpdateAbandoned, err
	}
	handle, err := a.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: word, Args: []any{out}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	err = answered(ctx, handle, err)
	if refused != nil {
		if err != nil { // the workflow finds out by itself
			a.Logger.WarnContext(ctx, "a sign-up was not told that the shop refused it", "workflow", id, "error", err)
		}
		return refused
	}
	return err
}

// welcomeWait is how long a login waits for a new account to be made whole.
const welcomeWait = 10 * time.Second

// welcome makes a whole member of an account a social login made: with the
// member group, a wishlist, and what of the profile the shop takes. It is
// errTryLater when that takes too long, or when the account was undone because
// the shop did not make it whole.
func (a *api) welcome(ctx context.Context, customerID string, profile workflows.Profile) error {
	ctx, cancel := context.WithTimeout(ctx, welcomeWait)
	defer cancel()
	defer a.sessions.forget(ctx, customerID)
	in := workflows.WelcomeInput{CustomerID: customerID, Profile: profile}
	options := personal(workflows.WelcomeID(customerID), "Welcome of customer "+customerID, in.Attributes())
	handle, err := a.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: a.Temporal.NewWithStartWorkflowOperation(options, workflows.TypeWelcome, in),
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: workflows.UpdateWelcome, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	return answered(ctx, handle, err)
}
