module tandem.test/peers/durabletask-go

go 1.23

require github.com/microsoft/durabletask-go v0.6.0
