package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/model"
)

func TestDiscreet(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"휴대폰 번호 01012345678 형식 오류":                    "휴대폰 번호 … 형식 오류",
		"mobile '010-1234-5678' is invalid":           "mobile '…' is invalid",
		"[취소실패] 환불계좌 110 123 456789 오류":               "[취소실패] 환불계좌 … 오류",
		`"demo@byeolshow.example" already exists`:     `"…" already exists`,
		"iamport: 200, code 1: 1,250,000원을 초과":        "iamport: 200, code 1: 1,250,000원을 초과",
		"POST /payments/imp_123456789012: 500":        "POST /payments/imp_123456789012: 500",
		"order DEM222222AA2 has 12900000 won left":    "order DEM222222AA2 has 12900000 won left",
		"since 2026-11-24 20:38:37 (Seoul)":           "since 2026-11-24 20:38:37 (Seoul)",
		"dial tcp 127.0.0.1:9090: connection refused": "dial tcp 127.0.0.1:9090: connection refused",
		"": "",
	} {
		require.Equal(t, want, model.Discreet(words))
	}
}
