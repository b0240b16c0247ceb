namespace Ddm.Services.Tests.Messaging;

public sealed class BrokerPoliciesTests
{
    [Theory]
    [InlineData("amqps://u:p@broker.example/", "https://broker.example:15671/")]
    [InlineData("amqps://u:p@localhost:5671/", "https://localhost:15671/")]
    [InlineData("amqp://u:p@127.0.0.1:5672/", "http://127.0.0.1:15672/")]
    [InlineData("amqp://u:p@localhost/vhost", "http://localhost:15672/")]
    [InlineData("amqp://u:p@broker.example/", null)]
    public void TheLoginGoesInPlainTextToThisMachineAlone(string broker, string? management)
        => Assert.Equal(management, BrokerPolicies.UsualManagement(BrokerAddress.Parse(broker))?.ToString());
}
