namespace Ddm.Storage.Tests;

/// <summary>What goes wrong at one storage call.</summary>
public enum Fault
{
    /// <summary>The call fails and changes nothing.</summary>
    Before,

    /// <summary>The call takes effect and its reply is lost.</summary>
    LostReply,

    /// <summary>The call takes effect; the client, retrying by itself, meets its own first try and reports a refusal.</summary>
    RefusedAfterDone,

    /// <summary>The process dies before the call.</summary>
    CrashBefore,

    /// <summary>The process dies when the call has taken effect.</summary>
    CrashAfter,
}

/// <summary>Injects one fault at the n-th call. Counts from 0; a crash fails every later call too.</summary>
internal sealed class FaultyBlobStore(IBlobStore below, int at, Fault fault) : InterceptedBlobStore(below)
{
    private bool _dead;

    public int Calls { get; private set; }

    public string? FaultedCall { get; private set; }

    protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        if (_dead)
        {
            throw new IOException($"dead before {call}");
        }

        if (Calls++ != at)
        {
            return await run();
        }

        FaultedCall = call;
        _dead = fault is Fault.CrashBefore or Fault.CrashAfter;
        if (fault is Fault.Before or Fault.CrashBefore)
        {
            throw new IOException($"{fault}: {call}");
        }

        var reply = await run();
        return fault == Fault.RefusedAfterDone
            ? conditional ? refused : reply
            : throw new IOException($"{fault}: {call}");
    }
}
