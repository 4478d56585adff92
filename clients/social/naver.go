package social

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"
)

func (c *Client) naver(app App) (*vendor, error) {
	login, api := at(app.AuthURL, "https://nid.naver.com"), at(app.APIURL, "https://openapi.naver.com")
	return &vendor{
		oauth: oauth2.Config{Endpoint: oauth2.Endpoint{AuthURL: login + "/oauth2.0/authorize", TokenURL: login + "/oauth2.0/token"}},
		profile: func(ctx context.Context, token string) (Profile, error) {
			var person naverPerson
			if err := c.ask(ctx, Naver, http.MethodGet, api+"/v1/nid/me", token, &person); err != nil {
				return Profile{}, err
			}
			return person.profile()
		},
	}, nil
}

type naverPerson struct {
	ResultCode string `json:"resultcode"`
	Response   struct {
		ID       string `json:"id"`
		Nickname string `json:"nickname"`
		Name     string `json:"name"`
		Email    string `json:"email"`
		Mobile   string `json:"mobile"`
	} `json:"response"`
}

func (p naverPerson) profile() (Profile, error) {
	if p.ResultCode != "00" {
		return Profile{}, &RefusedError{Vendor: Naver, Status: http.StatusOK, Reason: line(p.ResultCode)}
	}
	if p.Response.ID == "" {
		return Profile{}, silent(Naver, errNobody)
	}
	r := p.Response
	return Profile{Nickname: line(r.Nickname), Name: line(r.Name), Email: address(r.Email), Mobile: koreanMobile(r.Mobile)}, nil
}
