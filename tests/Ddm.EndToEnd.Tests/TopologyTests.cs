using System.Diagnostics;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

public sealed class TopologyTests(SharedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DeclaringTwiceLeavesQuorumQueuesWithDeadLettersAndAPolicy()
    {
        var rabbit = await servers.NewBrokerAsync();
        var topology = new Topology(BrokerAddress.Parse(rabbit.ConnectionString));
        var policies = new BrokerPolicies(BrokerAddress.Parse(rabbit.ConnectionString), TimeSpan.FromMinutes(30));

        await topology.EnsureAsync(["a100"], Cancel);
        var state = await topology.EnsureAsync(["a100", "t4"], Cancel);
        var policy = await policies.EnsureAsync(state.Version, servers.Rabbit.Management, mayRun: false, Cancel);

        Assert.True(state.Version >= new Version(3, 10), $"{state.Version}: docs/operations.md asks for RabbitMQ 3.10 or newer");
        Assert.Contains("train.a100", state.Queues);
        Assert.True(policy.Done, policy.Text);
        var queues = (await rabbit.AskAsync("list_queues", "name", "type", "durable", "policy", "arguments", "--no-table-headers")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(state.Queues.Append(QueueNames.Dead), name => Assert.Contains(queues, line => line.StartsWith($"{name}\tquorum\ttrue\t", StringComparison.Ordinal)));
        Assert.All(state.Queues, name => Assert.Contains("x-dead-letter-exchange", queues.Single(line => line.StartsWith(name + "\t", StringComparison.Ordinal)), StringComparison.Ordinal));
        Assert.Contains($"\"delivery-limit\":{BrokerPolicies.DeliveryLimit}", await rabbit.AskAsync("list_policies"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AQueueOfAnotherKindIsNamedWithTheRemedy()
    {
        var address = BrokerAddress.Parse((await servers.NewBrokerAsync()).ConnectionString);
        await using (var connection = await new RabbitMQ.Client.ConnectionFactory { Uri = address.Uri }.CreateConnectionAsync(Cancel))
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
            await channel.QueueDeclareAsync("train.classic", durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel);
        }

        var error = await Assert.ThrowsAsync<UserErrorException>(() => new Topology(address).EnsureAsync(["classic"], Cancel));

        Assert.Contains("'train.classic' is on the broker", error.Message, StringComparison.Ordinal);
        Assert.Contains("delete_queue train.classic", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("guest:guest", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheCommandDeclaresAndSaysWhatItDid()
    {
        var broker = await servers.NewBrokerAsync();
        var (code, output) = await DdmAsync("topology", "--broker", broker.ConnectionString, "--pool", "h100", "--management", servers.Rabbit.Management.ToString());

        Assert.True(code == 0, output);
        Assert.Contains("train.h100", output, StringComparison.Ordinal);
        Assert.Contains("policy   ddm, set through http://127.0.0.1", output, StringComparison.Ordinal);
        var version = (await new Topology(BrokerAddress.Parse(broker.ConnectionString)).EnsureAsync([], Cancel)).Version;
        Assert.Equal(version < new Version(3, 12), output.Contains("consumer_timeout = 1800000", StringComparison.Ordinal)); // a policy's business from then on
    }

    [Theory]
    [InlineData(2, "--broker is no broker's address", "--broker", "http://localhost/")]
    [InlineData(2, "refuses user 'nobody'", "--broker", "amqp://nobody:wrong@127.0.0.1:{port}/")]
    [InlineData(1, "cannot be reached", "--broker", "amqp://127.0.0.1:1/")]
    [InlineData(2, "ConnectionStrings__messaging is not set")]
    [InlineData(2, "cannot name", "--broker", "amqp://127.0.0.1:{port}/", "--pool", "../x")]
    public async Task WhatIsWrongIsOneSentence(int expected, string part, params string[] arguments)
    {
        var (code, output) = await DdmAsync(["topology", .. arguments.Select(argument => argument.Replace("{port}", $"{servers.Rabbit.Port}", StringComparison.Ordinal))]);

        Assert.True(code == expected, $"{code}: {output}");
        Assert.Contains(part, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> DdmAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(ServiceProcess.ProgramOf("cli", "Ddm.Cli", "ddm"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("ConnectionStrings__messaging");
        using var ddm = Process.Start(start)!;
        var (output, errors) = (ddm.StandardOutput.ReadToEndAsync(Cancel), ddm.StandardError.ReadToEndAsync(Cancel));
        await ddm.WaitForExitAsync(Cancel);
        return (ddm.ExitCode, await output + await errors);
    }
}
