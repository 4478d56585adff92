package model

// KRW is an amount of South Korean won. The won has no minor unit.
type KRW int64
