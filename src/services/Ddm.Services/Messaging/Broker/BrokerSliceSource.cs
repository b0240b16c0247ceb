using System.Collections.Concurrent;
using System.Text.Json;
using Ddm.Runs;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Ddm.Services;

/// <summary>
/// Slices straight from the broker's queues, one <c>basic.get</c> at a time: a consumer would hold messages back that an inside worker of the pool could take, and
/// would have to be set up and torn down with every question.
/// </summary>
internal sealed class BrokerSliceSource(Topology topology, TimeProvider time, ILogger<BrokerSliceSource> log) : ISliceSource, IAsyncDisposable
{
    private const ushort NotFound = 404;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(0.5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly SemaphoreSlim connecting = new(1, 1);
    private readonly ConcurrentDictionary<string, bool> declared = new(StringComparer.Ordinal);
    private IConnection? connection;

    /// <inheritdoc/>
    public async Task<TrainSlice?> TakeAsync(string pool, TimeSpan wait, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        try
        {
            await DeclareAsync(pool, cancellationToken);
            await using var channel = await (await ConnectAsync(cancellationToken)).CreateChannelAsync(cancellationToken: cancellationToken);
            while (true)
            {
                if (await TryTakeAsync(channel, QueueNames.Train(pool), cancellationToken) is { } slice)
                {
                    return slice;
                }

                if (time.GetElapsedTime(began) >= wait)
                {
                    return null;
                }

                await Task.Delay(BetweenLooks, time, cancellationToken);
            }
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            declared.TryRemove(pool, out _); // a broker that came back empty
            return null;
        }
        catch (RabbitMQClientException e)
        {
            throw new IOException($"The broker does not give the slices of pool '{pool}': {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }

        connecting.Dispose();
    }

    private async Task<TrainSlice?> TryTakeAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        var message = await channel.BasicGetAsync(queue, autoAck: false, CancellationToken.None); // one that is under way must not be lost sight of
        if (message is null)
        {
            return null;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: true, CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (Read(message.Body.Span) is { } slice)
        {
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, CancellationToken.None);
            return slice;
        }

        log.LogWarning("A message in {Queue} is no slice: it goes to {Dead}", queue, QueueNames.Dead);
        await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: false, CancellationToken.None);
        return null;
    }

    private static TrainSlice? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<Envelope>(body, Json)?.Message is { Run.Length: > 0, RolePath: not null, Pool: not null } slice ? slice : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task DeclareAsync(string pool, CancellationToken cancellationToken)
    {
        if (!declared.ContainsKey(pool))
        {
            await topology.EnsureAsync([pool], cancellationToken);
            declared[pool] = true;
        }
    }

    private async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        await connecting.WaitAsync(cancellationToken);
        try
        {
            if (connection is not { IsOpen: true })
            {
                if (connection is not null)
                {
                    await connection.DisposeAsync();
                }

                connection = await topology.ConnectAsync("ddm outside workers", cancellationToken);
            }

            return connection;
        }
        finally
        {
            connecting.Release();
        }
    }

    // What the message library wraps around a message.
    private sealed record Envelope(TrainSlice? Message);
}
