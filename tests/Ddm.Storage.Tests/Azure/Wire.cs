using Azure.Core;
using Azure.Core.Pipeline;

namespace Ddm.Storage.Tests;

/// <summary>The wire between client and service, as bad as a test wants it. Sees every try.</summary>
internal sealed class Wire : HttpPipelinePolicy
{
    private readonly Lock _lock = new();
    private int _tries;

    /// <summary>What becomes of try n of all tries that <see cref="Touches"/> (from 0); null: the wire is good.</summary>
    public Func<int, Fault?> FaultAt { get; set; } = _ => null;

    /// <summary>Which requests count; all others pass.</summary>
    public Func<Request, bool> Touches { get; set; } = request => request.Method == RequestMethod.Put;

    /// <summary>Called where a fault strikes, after the request took effect if it did, before the client hears of it.</summary>
    public Func<Task> Meanwhile { get; set; } = () => Task.CompletedTask;

    public int Tries => _tries;

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        Fault? fault;
        lock (_lock)
        {
            fault = Touches(message.Request) ? FaultAt(_tries++) : null;
        }

        if (fault is null or Fault.LostReply)
        {
            await ProcessNextAsync(message, pipeline);
        }

        switch (fault)
        {
            case null:
                return;
            case Fault.Late:
                await Task.Delay(Timeout.Infinite, message.CancellationToken);
                return;
            case Fault.Busy:
                await Meanwhile();
                message.Response = new MadeResponse(503, "ServerBusy", retryAfterSeconds: null);
                return;
            case Fault.BusyForASecond:
                message.Response = new MadeResponse(429, "TooManyRequests", retryAfterSeconds: 1);
                return;
            default:
                await Meanwhile();
                throw new IOException($"the wire: {fault}");
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException();

    public enum Fault
    {
        /// <summary>The request never arrives.</summary>
        LostRequest,

        /// <summary>It takes effect; the reply never arrives.</summary>
        LostReply,

        /// <summary>The service says that it is too busy.</summary>
        Busy,

        /// <summary>It asks for a second's wait.</summary>
        BusyForASecond,

        /// <summary>No answer at all.</summary>
        Late,
    }
}
