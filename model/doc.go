// Package model is the business of byeolshow: broadcasts, their statuses and
// legal transitions, money, Seoul time and the errors a business rule can end
// in. It does no I/O and imports nothing but the standard library.
package model
