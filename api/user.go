package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// metaCustomsCode is the field of a customer's meta with their personal customs
// clearance code.
const metaCustomsCode = "unipass_number"

func (a *api) userRoutes(r chi.Router) {
	r.With(a.login).Get("/user", a.wrapped(a.readMember))
	r.With(a.login).Post("/user", a.wrapped(a.editMember))
}

// memberView is a member as they see themselves.
type memberView struct {
	ID          string          `json:"_id"`
	UserID      *string         `json:"userId"`
	Email       *string         `json:"email"`
	Alias       *string         `json:"alias"`
	Name        *string         `json:"name"`
	Mobile      *string         `json:"mobile"`
	Avatar      *avatarView     `json:"avatar"`
	Address     any             `json:"address"`
	Social      json.RawMessage `json:"social"`
	Country     json.RawMessage `json:"country"`
	Language    json.RawMessage `json:"language"`
	Currency    json.RawMessage `json:"currency"`
	Timezone    json.RawMessage `json:"timezone"`
	CustomsCode *string         `json:"unipass_number"`
	Influencer  bool            `json:"influencer"`
	Incomplete  []string        `json:"incomplete"`
}

type avatarView struct {
	ID  string `json:"_id"`
	URL string `json:"url"`
}

func (a *api) readMember(w http.ResponseWriter, r *http.Request) error {
	c := caller(r).Customer
	view := memberView{
		ID: c.ID, UserID: orNull(string(c.UserID)), Email: orNull(string(c.Email)), Alias: c.Alias, Name: c.Name.Full, Mobile: c.Mobile,
		Address: c.Address, Social: orNullJSON(c.Social), Country: orNullJSON(c.Country), Language: orNullJSON(c.Language),
		Currency: orNullJSON(c.Currency), Timezone: orNullJSON(c.Timezone), CustomsCode: orNull(c.MetaString(metaCustomsCode)),
		Influencer: c.InGroup(a.InfluencerGroup), Incomplete: []string{},
	}
	if c.Avatar.ID != "" {
		view.Avatar = &avatarView{c.Avatar.ID, c.Avatar.URL}
	}
	if known, err := readAddresses(c.Address); err != nil || known.Primary == nil {
		view.Address = noAddress()
	}
	for _, field := range []struct {
		name  string
		value *string
	}{{"alias", view.Alias}, {"name", view.Name}, {"email", view.Email}, {"mobile", view.Mobile}} {
		if field.value == nil {
			view.Incomplete = append(view.Incomplete, field.name)
		}
	}
	return bare(w, http.StatusOK, view)
}

// memberEdit is what a member changes; what is absent or "" stays, but a mobile
// number that is "" is removed.
type memberEdit struct {
	OldPassword string          `json:"old_password"`
	NewPassword string          `json:"new_password"`
	Email       string          `json:"email"`
	Alias       string          `json:"alias"`
	Name        string          `json:"name"`
	Mobile      *string         `json:"mobile"`
	CustomsCode string          `json:"unipass_number"`
	Address     json.RawMessage `json:"address"`

	addresses addresses
}

func (a *api) editMember(w http.ResponseWriter, r *http.Request) error {
	var edit memberEdit
	err := decode(r, &edit)
	if err != nil {
		return err
	}
	if edit.addresses, err = readAddresses(edit.Address); err != nil {
		return err
	}
	if edit.Alias != "" {
		if edit.Alias, err = model.Alias(edit.Alias); err != nil {
			return err
		}
	}
	m := caller(r)
	err = a.exclusively(r.Context(), "profile/"+m.ID, func(ctx context.Context) error {
		// What is begun is finished or undone, even if the member has hung up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWait)
		defer cancel()
		defer a.sessions.forget(ctx, m.ID)
		return a.change(ctx, m, edit)
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "변경되었습니다")
}

// change makes all of an edit, or none of it.
func (a *api) change(ctx context.Context, m *member, edit memberEdit) error {
	before, err := a.Clayful.Me(ctx, m.Token)
	if err != nil {
		return err
	}
	login, err := edit.login(before)
	if err != nil {
		return err
	}
	if err := a.claimOwn(ctx, before, edit.Alias); err != nil {
		return err
	}
	if login != nil {
		err = a.changeLogin(ctx, m, before, login)
	}
	if fields := edit.fields(before); err == nil && len(fields) > 0 {
		err = a.Clayful.UpdateMe(ctx, m.Token, fields)
		refused := !clayful.IsUnavailable(err)
		if !refused { // it may have been done all the same
			now, readErr := a.Clayful.Me(ctx, m.Token)
			if refused = readErr == nil; refused && !sameProfile(before, now) {
				err = nil
			}
		}
		if err != nil && refused && login != nil {
			a.undoLogin(ctx, m, before, login)
		}
	}
	return a.settleAlias(ctx, m, before, edit.Alias, err)
}

// sameProfile tells whether nothing differs that an edit changes, besides the
// login.
func sameProfile(a, b *clayful.Customer) bool {
	profile := func(c *clayful.Customer) []any {
		return []any{c.Alias, c.Name, c.Mobile, c.MetaString(metaCustomsCode), c.Address}
	}
	return reflect.DeepEqual(profile(a), profile(b))
}

// fields are those the shop is told, less the login's.
func (e *memberEdit) fields(before *clayful.Customer) map[string]any {
	fields, name := map[string]any{}, map[string]string{}
	if e.Alias != "" {
		fields["alias"], name["first"] = e.Alias, e.Alias
	}
	if e.Name != "" {
		name["full"] = e.Name
	}
	if len(name) > 0 {
		fields["name"] = name
	}
	if e.Mobile != nil {
		fields["mobile"] = orNull(*e.Mobile)
	}
	if e.CustomsCode != "" {
		fields["meta"] = map[string]string{metaCustomsCode: e.CustomsCode}
	}
	if e.addresses.text("city") != "" {
		known, _ := readAddresses(before.Address) // of another kind: none
		fields["address"] = e.addresses.fields(known.Secondaries)
	}
	return fields
}

// newLogin is a change of what a member logs in with.
type newLogin struct {
	password string // the old one, which proves who asks
	wanted   clayful.Credentials
}

// login is the change of credentials an edit asks for, nil when there is none.
// An old password that is given is checked even when nothing else changes. For
// members who log in with a vendor there is nothing to change.
func (e *memberEdit) login(before *clayful.Customer) (*newLogin, error) {
	if len(before.SocialVendors()) > 0 {
		return nil, nil
	}
	mail := strings.TrimSpace(e.Email)
	if e.OldPassword == "" {
		if e.NewPassword != "" || mail != "" && mail != string(before.Email) {
			return nil, refuse(http.StatusBadRequest, "비밀번호를 입력해 주세요")
		}
		return nil, nil
	}
	wanted := clayful.Credentials{UserID: string(before.UserID), Email: string(before.Email), Password: e.OldPassword}
	if mail != "" {
		wanted.Email = mail
	}
	if e.NewPassword != "" {
		wanted.Password = e.NewPassword
	}
	return &newLogin{e.OldPassword, wanted}, nil
}

// changeLogin changes what the member logs in with. A new password ends all
// their sessions but the one that proved the old one.
func (a *api) changeLogin(ctx context.Context, m *member, before *clayful.Customer, login *newLogin) error {
	change := func() error {
		err := a.Clayful.UpdateMyCredentials(ctx, m.Token, login.password, login.wanted)
		if clayful.IsUnavailable(err) && a.logsIn(ctx, before.ID, login.wanted) {
			return nil
		}
		return err
	}
	if login.wanted.Password == login.password {
		return change()
	}
	return a.endingSessions(ctx, m.ID, m.Session, change)
}

// logsIn tells whether what a silent shop was told holds by now.
func (a *api) logsIn(ctx context.Context, customerID string, wanted clayful.Credentials) bool {
	if wanted.UserID == "" {
		return false
	}
	if _, err := a.Clayful.Authenticate(ctx, wanted.UserID, wanted.Password); err != nil {
		return false
	}
	customer, err := a.Clayful.Customer(ctx, customerID)
	return err == nil && (wanted.Email == "" || string(customer.Email) == wanted.Email)
}

func (a *api) undoLogin(ctx context.Context, m *member, before *clayful.Customer, login *newLogin) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	was := clayful.Credentials{UserID: string(before.UserID), Email: string(before.Email), Password: login.password}
	err := a.Clayful.UpdateMyCredentials(ctx, m.Token, login.wanted.Password, was)
	if err != nil {
		a.Logger.ErrorContext(ctx, "a refused edit has changed a member's login", "customer", m.ID, "error", err)
	}
}

// claimOwn claims a new nickname of a member's.
func (a *api) claimOwn(ctx context.Context, before *clayful.Customer, alias string) error {
	if alias == "" || alias == deref(before.Alias) {
		return nil
	}
	key := model.AliasKey(alias)
	mine, err := a.Store.ClaimAlias(ctx, key, before.ID)
	if err != nil {
		return err
	}
	if !mine {
		return model.ErrDuplicatedAlias
	}
	if err := a.unheld(ctx, alias, before.ID); err != nil {
		if !model.SameAlias(alias, deref(before.Alias)) {
			err = errors.Join(err, a.Store.FreeAlias(ctx, key, before.ID))
		}
		return err
	}
	return nil
}

// settleAlias frees the nicknames a member does not have after an edit that
// ended with cause: the former one, or the new one when it was refused. What
// they broadcast shows the one they have. After an edit that was not answered
// the shop tells which it is; while it does not, both stay the member's.
func (a *api) settleAlias(ctx context.Context, m *member, before *clayful.Customer, alias string, cause error) error {
	had := deref(before.Alias)
	if alias == "" || alias == had {
		return cause
	}
	has := alias
	switch {
	case clayful.IsUnavailable(cause):
		now, err := a.Clayful.Me(ctx, m.Token)
		if err != nil {
			return cause
		}
		if has = deref(now.Alias); has == alias {
			cause = nil
		}
	case cause != nil:
		has = had
	}
	return errors.Join(cause, a.Store.FreeOtherAliases(ctx, m.ID, model.AliasKey(has)), a.Store.ShowName(ctx, m.ID, has))
}

// endingSessions changes a customer's password, then ends their sessions but
// one. A workflow that stands by ends them when this process cannot, or when
// nobody knows any more whether there was a change.
func (a *api) endingSessions(ctx context.Context, customerID string, but uuid.UUID, change func() error) error {
	in := workflows.RevocationInput{CustomerID: customerID, But: but}
	id := workflows.RevocationID(customerID, strings.ToLower(rand.Text()))
	if _, err := a.Temporal.ExecuteWorkflow(ctx, personal(id, in.Summary(), in.Attributes()), workflows.TypeRevocation, in); err != nil {
		return err
	}
	failure := change()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	over := true
	if failure == nil || mayFollow(failure) {
		if err := a.Store.RevokeSessions(ctx, customerID, but, a.Now()); err != nil {
			over = false
			a.Logger.WarnContext(ctx, "sessions are left to their workflow", "workflow", id, "error", err)
		}
	}
	if err := a.Temporal.SignalWorkflow(ctx, id, "", workflows.SignalEnded, over); err != nil {
		a.Logger.WarnContext(ctx, "sessions are left to their workflow", "workflow", id, "error", err)
	}
	return failure
}

// revokeAll ends all sessions of a customer.
func (a *api) revokeAll(ctx context.Context, customerID string) error {
	defer a.sessions.forget(ctx, customerID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return a.Store.RevokeSessions(ctx, customerID, uuid.Nil, a.Now())
}
