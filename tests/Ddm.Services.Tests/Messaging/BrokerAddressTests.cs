using Ddm.Runs;

namespace Ddm.Services.Tests.Messaging;

public sealed class BrokerAddressTests
{
    [Theory]
    [InlineData("amqp://u:p%40ss@host:1234/my%2fhost", "u", "p@ss", "my/host", 1234, false)]
    [InlineData("amqp://host", "guest", "guest", "/", 5672, false)]
    [InlineData("amqps://u@host/%2f", "u", "", "/", 5671, true)]
    [InlineData("amqp://localhost/", "guest", "guest", "/", 5672, false)]
    public void AnAddressIsReadAsClientsReadIt(string text, string user, string password, string host, int port, bool secure)
    {
        var address = BrokerAddress.Parse(text);

        Assert.Equal((user, password, host, port, secure), (address.User, address.Password, address.VirtualHost, address.Port, address.IsSecure));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("http://u:secret@host")]
    [InlineData("host=localhost;password=secret")]
    [InlineData("amqp://u:secret@host/a/b")]
    public void WhatIsNoneIsRefusedByTheSettingsNameWithoutThePassword(string? text)
    {
        var error = Assert.Throws<UserErrorException>(() => BrokerAddress.Parse(text));

        Assert.Contains("ConnectionStrings:messaging", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }
}
