using System.Diagnostics;
using Ddm.Runs;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;

namespace Ddm.Serving;

/// <summary>One expert host as a gateway sees it: whether it is there, what it holds, how fast it is.</summary>
internal sealed class ExpertHostLink : IDisposable
{
    private const double Fading = 0.8;
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5), LongestPenalty = TimeSpan.FromSeconds(30), LongestConnect = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel channel;
    private readonly CallInvoker calls;
    private readonly FleetSettings settings;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly Lock gate = new();
    private HostDescription? seen; // null: it is away
    private HashSet<string> holds = [];
    private string? reason = "it has not been looked for yet";
    private int strikes, rows;
    private double secondsPerRow;
    private long struckAt;

    public ExpertHostLink(Uri address, FleetSettings settings, TimeProvider time, ILogger log)
    {
        (Address, this.settings, this.time, this.log) = (address, settings, time, log);
        channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            // A host that hangs, or a network that swallows packets, is known by a ping that does not come back.
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                ConnectTimeout = LongestConnect,
                KeepAlivePingDelay = LongestLook,
                KeepAlivePingTimeout = LongestLook,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                UseProxy = false,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = ExpertWire.MostBytes,
            MaxSendMessageSize = ExpertWire.MostBytes,
        });
        calls = channel.CreateCallInvoker();
    }

    public Uri Address { get; }

    /// <summary>What it said of itself; null: it is away.</summary>
    public HostDescription? Seen
    {
        get
        {
            lock (gate)
            {
                return seen;
            }
        }
    }

    /// <summary>Whether it is there and answers for an expert.</summary>
    public bool Holds(string expert)
    {
        lock (gate)
        {
            return seen is not null && holds.Contains(expert);
        }
    }

    /// <summary>Seconds until it would answer so many rows more: those that it has, and its pace of late.</summary>
    public double Expected(int more)
    {
        lock (gate)
        {
            return (rows + more) * secondsPerRow;
        }
    }

    /// <summary>Rows that it has been asked and has not answered.</summary>
    public int Rows
    {
        get
        {
            lock (gate)
            {
                return rows;
            }
        }
    }

    /// <summary>Looks whether it is there. Never throws for a host that is not.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await CallAsync(ExpertWire.Describe, [], LongestLook, cancellationToken);
            Found(HostDescription.Read(bytes));
        }
        catch (Exception e) when (e is RpcException or InvalidDataException && !cancellationToken.IsCancellationRequested)
        {
            Lose(Words(e));
        }
    }

    /// <summary>Asks for velocities.</summary>
    /// <param name="question">What to ask, as bytes.</param>
    /// <param name="asked">Rows in it.</param>
    /// <param name="read">Reads the answer; what is none is the host's failure.</param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    /// <exception cref="RpcException">It did not answer; it counts as away then, unless it is merely full.</exception>
    public async Task<WireTensor> AskAsync(byte[] question, int asked, Func<byte[], WireTensor> read, CancellationToken cancellationToken)
    {
        Count(asked);
        var began = Stopwatch.GetTimestamp();
        try
        {
            var answer = read(await CallAsync(ExpertWire.Velocity, question, settings.Deadline, cancellationToken));
            Paced(Stopwatch.GetElapsedTime(began).TotalSeconds / asked);
            return answer;
        }
        catch (InvalidDataException e)
        {
            Strike(e.Message);
            throw new RpcException(new Status(StatusCode.Internal, e.Message));
        }
        catch (RpcException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("Nobody waits for the answer any more.", e, cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.ResourceExhausted or StatusCode.InvalidArgument))
        {
            Strike(Words(e));
            throw;
        }
        finally
        {
            Count(-asked);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => channel.Dispose();

    private async Task<byte[]> CallAsync(Method<byte[], byte[]> method, byte[] message, TimeSpan longest, CancellationToken cancellationToken)
    {
        var headers = new Metadata();
        if (settings.Key is { } key)
        {
            headers.Add("authorization", "Bearer " + key);
        }

        var options = new CallOptions(headers, time.GetUtcNow().UtcDateTime + longest, cancellationToken);
        using var call = calls.AsyncUnaryCall(method, null, options, message);
        return await call.ResponseAsync;
    }

    private void Found(HostDescription description)
    {
        string? mine = null;
        lock (gate)
        {
            if (strikes > 0 && time.GetElapsedTime(struckAt) < Penalty())
            {
                return; // it describes itself, but did not answer: it is not trusted again at once
            }

            mine = seen is null ? ExpertWire.Numerics(settings.Weights) : null;
            (seen, holds, reason) = (description, [.. description.Experts], null);
        }

        if (mine is not null)
        {
            log.LogInformation("Expert host {Address} ({Name}) is there with {Count} experts of {Model}", Address, Printable.Text(description.Name), description.Experts.Count, Printable.Text(description.Model));
            if (mine != description.Numerics)
            {
                log.LogWarning("{Address} computes with {Theirs}, this process with {Ours}: pictures may differ from those of one process", Address, Printable.Text(description.Numerics), mine);
            }
        }
    }

    private void Strike(string why)
    {
        lock (gate)
        {
            (strikes, struckAt) = (strikes + 1, time.GetTimestamp());
        }

        Lose(why);
    }

    private void Lose(string why)
    {
        lock (gate)
        {
            if (seen is null && reason == why)
            {
                return;
            }

            (seen, reason) = (null, why);
        }

        log.LogWarning("Expert host {Address} is away: {Reason}", Address, why);
    }

    private void Paced(double seconds)
    {
        lock (gate)
        {
            strikes = 0;
            secondsPerRow = secondsPerRow == 0 ? seconds : (Fading * secondsPerRow) + ((1 - Fading) * seconds);
        }
    }

    private void Count(int more)
    {
        lock (gate)
        {
            rows += more;
        }
    }

    private TimeSpan Penalty() => TimeSpan.FromSeconds(Math.Min(LongestPenalty.TotalSeconds, Math.Pow(2, strikes - 1)));

    private static string Words(Exception error) => error is not RpcException e ? error.Message : e.StatusCode switch
    {
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => $"it refuses the key: set {FleetSettings.Section}:Key to one of its Ddm:ApiKeys with the scope 'experts'",
        StatusCode.DeadlineExceeded => "it did not answer in time",
        _ => $"{e.StatusCode}: {Printable.Text(e.Status.Detail)}",
    };
}
