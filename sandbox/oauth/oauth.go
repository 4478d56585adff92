// Package oauth is what Kakao, Naver and Facebook have in common: accounts, the
// page on which a person lets an app see some of theirs, codes, and tokens.
package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byeolshow/byeolshow/sandbox/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

// App is an application registered with the vendor.
type App struct {
	ID       string // the vendor's number of it
	ClientID string
	Secret   string
	Callback string // the one redirect_uri it may name
}

// another is the app of somebody else, which nobody can log in to: tokens of it
// come from the control API alone.
var another = App{ID: "9999999", ClientID: "another-app"}

// Account is a person's account with the vendor; what is unknown is "".
type Account struct {
	Login    string `json:"account"` // what they log in with
	Nickname string `json:"nickname"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Phone    string `json:"phone"` // as +82 10-1234-5678
}

// Field is something a person may keep to themselves.
type Field struct{ Name, Title string }

// Vendor is how one of them differs.
type Vendor struct {
	Name      string
	Title     string // on its pages
	Color     string // of its pages
	Fields    []Field
	NeedState bool          // refuses to log in without a state
	Lifetime  time.Duration // of access tokens
	Subject   func() string // makes an id under which an app knows a person
	Denied    url.Values    // what an app is told when the person cancels
	Problems  map[error]string
	Demo      []Account
}

// Server keeps the accounts, codes and tokens of one vendor.
type Server struct {
	vendor Vendor
	app    App
	pool   *pgxpool.Pool
	logger *slog.Logger
}

// What a vendor refuses.
var (
	ErrApp      = errors.New("unknown app")
	ErrSecret   = errors.New("wrong app secret")
	ErrCallback = errors.New("redirect_uri is not that of the app, or of the login")
	ErrType     = errors.New("response_type is not code")
	ErrState    = errors.New("state is missing")
	ErrCode     = errors.New("unknown code, or one that is too old")
	ErrUsed     = errors.New("code was used before")
	ErrToken    = errors.New("unknown token, or one that is too old")
	ErrAccount  = errors.New("there is no such account")
)

// Number makes an id of so many digits.
func Number(digits int) string {
	id := make([]byte, digits)
	_, _ = rand.Read(id) // never fails
	for i := range id {
		id[i] = '1' + id[i]%9
	}
	return string(id)
}

const codeLife = 10 * time.Minute

// Migrate prepares the tables of all vendors.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return schema.Migrate(ctx, pool, "sandbox_oauth", files)
}

// New makes the server of a vendor that one app is registered with, and its
// demo accounts.
func New(ctx context.Context, pool *pgxpool.Pool, vendor Vendor, app App, logger *slog.Logger) (*Server, error) {
	s := &Server{vendor: vendor, app: app, pool: pool, logger: logger}
	return s, s.addDemo(ctx)
}

func (s *Server) addDemo(ctx context.Context) error {
	for _, account := range s.vendor.Demo {
		if err := s.Add(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// Reset forgets every account, code and token, and puts the demo accounts back.
func (s *Server) Reset(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM sandbox_oauth.account WHERE vendor = $1", s.vendor.Name); err != nil {
		return fmt.Errorf("forget accounts: %w", err)
	}
	return s.addDemo(ctx)
}

// Add makes an account, or changes the one of that login.
func (s *Server) Add(ctx context.Context, a Account) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO sandbox_oauth.account (vendor, login, nickname, name, email, phone) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (vendor, login) DO UPDATE SET nickname = $3, name = $4, email = $5, phone = $6`,
		s.vendor.Name, a.Login, a.Nickname, a.Name, a.Email, a.Phone)
	if err != nil {
		return fmt.Errorf("add account: %w", err)
	}
	return nil
}

// Accounts are all accounts.
func (s *Server) Accounts(ctx context.Context) ([]Account, error) {
	rows, err := s.pool.Query(ctx, "SELECT login, nickname, name, email, phone FROM sandbox_oauth.account WHERE vendor = $1 ORDER BY login", s.vendor.Name)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Account])
}

// consent notes what the person lets the app see.
func (s *Server) consent(ctx context.Context, app App, login string, agreed []string) error {
	if agreed == nil {
		agreed = []string{}
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO sandbox_oauth.consent (vendor, app, login, subject, agreed)
		SELECT vendor, $3, login, $4, $5 FROM sandbox_oauth.account WHERE vendor = $1 AND login = $2
		ON CONFLICT (vendor, app, login) DO UPDATE SET agreed = $5`,
		s.vendor.Name, login, app.ID, s.vendor.Subject(), agreed)
	if err != nil {
		return fmt.Errorf("note consent: %w", err)
	}
	return nil
}

// code makes one for the app to redeem.
func (s *Server) code(ctx context.Context, login, callback string) (string, error) {
	code := rand.Text() + rand.Text()
	_, err := s.pool.Exec(ctx, "INSERT INTO sandbox_oauth.code (code, vendor, app, login, callback, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
		code, s.vendor.Name, s.app.ID, login, callback, time.Now().Add(codeLife))
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return code, nil
}

// Callback is where the app has people sent back to.
func (s *Server) Callback() string { return s.app.Callback }

// Token is a token of an app for what a person lets it see.
type Token struct {
	Access, Refresh string
	AppID           string
	Subject         string // the app's id of the person
	Agreed          []string
	IssuedAt        time.Time
	ExpiresAt       time.Time
	ConnectedAt     time.Time
	Account         Account
}

// Sees tells whether the person lets the app see a field.
func (t Token) Sees(field string) bool { return slices.Contains(t.Agreed, field) }

// ExpiresIn is how many seconds the token lives.
func (t Token) ExpiresIn() int { return int(time.Until(t.ExpiresAt).Seconds()) }

// Admit proves that a caller is the app. Errors: ErrApp, ErrSecret.
func (s *Server) Admit(clientID, secret string) error {
	switch {
	case !same(clientID, s.app.ClientID):
		return ErrApp
	case !same(secret, s.app.Secret):
		return ErrSecret
	}
	return nil
}

func same(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Redeem turns a code into a token, once. Errors: ErrCode, ErrUsed,
// ErrCallback.
func (s *Server) Redeem(ctx context.Context, code, callback string) (Token, error) {
	var access string
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var login, named string
		var used, late bool
		err := tx.QueryRow(ctx, `
			SELECT login, callback, used_at IS NOT NULL, expires_at <= now() FROM sandbox_oauth.code
			WHERE code = $1 AND vendor = $2 AND app = $3 FOR UPDATE`, code, s.vendor.Name, s.app.ID).Scan(&login, &named, &used, &late)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrCode
		case err != nil:
			return fmt.Errorf("read code: %w", err)
		case used:
			return ErrUsed
		case late:
			return ErrCode
		case callback != named:
			return ErrCallback
		}
		if _, err := tx.Exec(ctx, "UPDATE sandbox_oauth.code SET used_at = now() WHERE code = $1", code); err != nil {
			return fmt.Errorf("use code: %w", err)
		}
		access, err = s.issue(ctx, tx, s.app, login)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return s.Token(ctx, access)
}

type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func (s *Server) issue(ctx context.Context, in executor, app App, login string) (access string, err error) {
	access = rand.Text() + rand.Text()
	now := time.Now()
	_, err = in.Exec(ctx, "INSERT INTO sandbox_oauth.token (access, refresh, vendor, app, login, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		access, rand.Text()+rand.Text(), s.vendor.Name, app.ID, login, now, now.Add(s.vendor.Lifetime))
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return access, nil
}

// Renew gives a new access token for a refresh token. Error: ErrToken.
func (s *Server) Renew(ctx context.Context, refresh string) (Token, error) {
	var access string
	err := s.pool.QueryRow(ctx, `
		UPDATE sandbox_oauth.token SET access = $1, issued_at = now(), expires_at = $2
		WHERE refresh = $3 AND vendor = $4 AND app = $5 RETURNING access`,
		rand.Text()+rand.Text(), time.Now().Add(s.vendor.Lifetime), refresh, s.vendor.Name, s.app.ID).Scan(&access)
	if errors.Is(err, pgx.ErrNoRows) {
		return Token{}, ErrToken
	}
	if err != nil {
		return Token{}, fmt.Errorf("renew token: %w", err)
	}
	return s.Token(ctx, access)
}

// Token is what an access token is good for. Error: ErrToken.
func (s *Server) Token(ctx context.Context, access string) (Token, error) {
	var t Token
	err := s.pool.QueryRow(ctx, `
		SELECT t.access, t.refresh, t.app, c.subject, c.agreed, t.issued_at, t.expires_at, c.connected_at,
		       a.login, a.nickname, a.name, a.email, a.phone
		FROM sandbox_oauth.token t JOIN sandbox_oauth.consent c USING (vendor, app, login) JOIN sandbox_oauth.account a USING (vendor, login)
		WHERE t.access = $1 AND t.vendor = $2 AND t.expires_at > now()`, access, s.vendor.Name).Scan(
		&t.Access, &t.Refresh, &t.AppID, &t.Subject, &t.Agreed, &t.IssuedAt, &t.ExpiresAt, &t.ConnectedAt,
		&t.Account.Login, &t.Account.Nickname, &t.Account.Name, &t.Account.Email, &t.Account.Phone)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, ErrToken
	}
	if err != nil {
		return t, fmt.Errorf("read token: %w", err)
	}
	return t, nil
}

// Revoke ends a token, and the refresh token that came with it.
func (s *Server) Revoke(ctx context.Context, access string) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM sandbox_oauth.token WHERE access = $1 AND vendor = $2", access, s.vendor.Name); err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// Grant hands out a token as if the person had logged in and agreed to share
// those fields, with the registered app or with somebody else's. Error:
// ErrAccount.
func (s *Server) Grant(ctx context.Context, login string, anothers bool, agreed []string) (Token, error) {
	app := s.app
	if anothers {
		app = another
	}
	if err := s.known(ctx, login); err != nil {
		return Token{}, err
	}
	if err := s.consent(ctx, app, login, agreed); err != nil {
		return Token{}, err
	}
	access, err := s.issue(ctx, s.pool, app, login)
	if err != nil {
		return Token{}, err
	}
	return s.Token(ctx, access)
}

func (s *Server) known(ctx context.Context, login string) error {
	var known bool
	err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sandbox_oauth.account WHERE vendor = $1 AND login = $2)", s.vendor.Name, login).Scan(&known)
	if err != nil {
		return fmt.Errorf("look for account: %w", err)
	}
	if !known {
		return ErrAccount
	}
	return nil
}
