using Ddm.Runs;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Ddm.Services;

/// <summary>
/// The exchanges and queues on the broker, declared in one step that may be repeated at any time. Queues are quorum queues from the first: whoever sends to a
/// queue that is not there makes a classic one, which its consumers are then refused. Arguments never change, since a changed one is refused too: limits and
/// timeouts are <see cref="BrokerPolicies"/>.
/// </summary>
/// <param name="broker">Where.</param>
public sealed class Topology(BrokerAddress broker)
{
    /// <summary>Queue argument: the queue's kind.</summary>
    internal const string QueueType = "x-queue-type";

    /// <summary>Queue argument: where messages go that it gives up.</summary>
    internal const string DeadLetterExchange = "x-dead-letter-exchange";

    private const string Name = "ddm topology";
    private const string Quorum = "quorum";
    private const ushort PreconditionFailed = 406, NotFound = 404;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(15);

    /// <summary>Declares what is fixed, and the queues of these pools.</summary>
    /// <returns>The queues, and the broker's version.</returns>
    /// <exception cref="UserErrorException">A queue or exchange is there and is of another kind, or the broker refuses the login.</exception>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    public async Task<TopologyState> EnsureAsync(IEnumerable<string> pools, CancellationToken cancellationToken)
    {
        string[] queues = [.. QueueNames.Fixed.Concat(pools.Select(QueueNames.Train)).Distinct(StringComparer.Ordinal)];
        await using var connection = await ConnectAsync(Name, cancellationToken);
        var made = new List<string>();
        foreach (var queue in queues.Append(QueueNames.Dead))
        {
            if (await FindAsync(connection, queue, cancellationToken) is null)
            {
                made.Add(queue);
            }
        }

        await DeclareAsync(connection, QueueNames.ControlPlane, DeclareExchangeAsync, cancellationToken);
        await DeclareAsync(connection, QueueNames.Dead, (channel, name, token) => DeclareQueueAsync(channel, name, deadLetters: false, token), cancellationToken);
        foreach (var queue in queues)
        {
            await DeclareAsync(connection, queue, (channel, name, token) => DeclareQueueAsync(channel, name, deadLetters: true, token), cancellationToken);
        }

        return new TopologyState(queues, made, VersionOf(connection));
    }

    /// <summary>Messages that wait in a queue, those under way not counted, and its consumers; null where there is no such queue.</summary>
    /// <exception cref="IOException">The broker cannot be reached.</exception>
    public async Task<(uint Waiting, uint Consumers)?> LookAsync(string queue, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(Name, cancellationToken);
        return await FindAsync(connection, queue, cancellationToken) is { } found ? (found.MessageCount, found.ConsumerCount) : null;
    }

    /// <summary>A connection, to be closed by whoever asked for it.</summary>
    /// <exception cref="UserErrorException">The broker refuses the login.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    internal async Task<IConnection> ConnectAsync(string name, CancellationToken cancellationToken)
    {
        var factory = new ConnectionFactory
        {
            Uri = broker.Uri,
            ClientProvidedName = name,
            AutomaticRecoveryEnabled = false,
            ContinuationTimeout = LongestAnswer,
            RequestedConnectionTimeout = LongestAnswer,
        };
        try
        {
            return await factory.CreateConnectionAsync(cancellationToken);
        }
        catch (BrokerUnreachableException e) when (e.InnerException is AuthenticationFailureException or PossibleAuthenticationFailureException)
        {
            throw new UserErrorException($"The broker at {broker.Place} refuses user '{broker.User}'. Check user, password and virtual host '{broker.VirtualHost}' in {BrokerAddress.Setting}.", e);
        }
        catch (BrokerUnreachableException e) when (e.InnerException is OperationInterruptedException { ShutdownReason.ReplyCode: 530 or 403 } refused)
        {
            throw new UserErrorException($"The broker at {broker.Place} does not let user '{broker.User}' into virtual host '{broker.VirtualHost}': {refused.ShutdownReason!.ReplyText}", e);
        }
        catch (BrokerUnreachableException e)
        {
            throw new IOException($"The broker at {broker.Place} cannot be reached: {e.GetBaseException().Message} Is it running, and is its address right?", e);
        }
    }

    // Null where there is no such queue.
    private static async Task<QueueDeclareOk?> FindAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            return await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            return null;
        }
    }

    // Each on a channel of its own: a refusal closes the channel.
    private async Task DeclareAsync(
        IConnection connection, string name, Func<IChannel, string, CancellationToken, Task> declare, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await declare(channel, name, cancellationToken);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == PreconditionFailed)
        {
            throw new UserErrorException(
                $"'{name}' is on the broker at {broker.Place} already, and is not what the services need: {e.ShutdownReason.ReplyText}. Stop the services, delete it "
                    + $"(rabbitmqctl -p {broker.VirtualHost} delete_queue {name}, or in the broker's management page) and run 'ddm topology' again. Nothing is lost with its messages: "
                    + "they are wake-ups, and the control plane sends again what is missing.",
                e);
        }
    }

    private static Task DeclareExchangeAsync(IChannel channel, string name, CancellationToken cancellationToken)
        => channel.ExchangeDeclareAsync(name, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);

    private static async Task DeclareQueueAsync(IChannel channel, string name, bool deadLetters, CancellationToken cancellationToken)
    {
        var arguments = new Dictionary<string, object?> { [QueueType] = Quorum };
        if (deadLetters)
        {
            arguments[DeadLetterExchange] = QueueNames.Dead;
        }

        await DeclareExchangeAsync(channel, name, cancellationToken);
        await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(name, name, "", cancellationToken: cancellationToken);
    }

    private static Version VersionOf(IConnection connection)
    {
        var told = connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] bytes ? System.Text.Encoding.ASCII.GetString(bytes) : "";
        return Version.TryParse(told.Split('-', '+')[0], out var version) ? version : new Version(0, 0);
    }
}
