package social

import (
	"context"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/sync/errgroup"
)

func (c *Client) facebook(app App) (*vendor, error) {
	if app.Version == "" {
		app.Version = "v22.0"
	}
	login := at(app.AuthURL, "https://www.facebook.com") + "/" + app.Version
	api := at(app.APIURL, "https://graph.facebook.com") + "/" + app.Version
	return &vendor{
		oauth: oauth2.Config{
			Endpoint: oauth2.Endpoint{AuthURL: login + "/dialog/oauth", TokenURL: api + "/oauth/access_token"},
			Scopes:   []string{"email"},
		},
		profile: func(ctx context.Context, token string) (Profile, error) {
			group, ctx := errgroup.WithContext(ctx)
			var person facebookPerson
			group.Go(func() error {
				return c.ask(ctx, Facebook, http.MethodGet, api+"/me?fields=id,name,email", token, &person)
			})
			group.Go(func() error {
				var about facebookToken
				query := url.Values{"input_token": {token}, "access_token": {app.ClientID + "|" + app.ClientSecret}}
				if err := c.ask(ctx, Facebook, http.MethodGet, api+"/debug_token?"+query.Encode(), "", &about); err != nil {
					return err
				}
				return about.isOf(app.ClientID)
			})
			if err := group.Wait(); err != nil {
				return Profile{}, err
			}
			return person.profile()
		},
	}, nil
}

type facebookPerson struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (p facebookPerson) profile() (Profile, error) {
	if p.ID == "" {
		return Profile{}, silent(Facebook, errNobody)
	}
	return Profile{Name: line(p.Name), Email: address(p.Email)}, nil
}

type facebookToken struct {
	Data struct {
		AppID string `json:"app_id"`
		Valid bool   `json:"is_valid"`
	} `json:"data"`
}

func (t facebookToken) isOf(appID string) error {
	switch {
	case !t.Data.Valid:
		return &RefusedError{Vendor: Facebook, Status: http.StatusOK, Reason: "token is not valid"}
	case t.Data.AppID != appID:
		return &RefusedError{Vendor: Facebook, Status: http.StatusOK, Reason: "token of another app"}
	}
	return nil
}
