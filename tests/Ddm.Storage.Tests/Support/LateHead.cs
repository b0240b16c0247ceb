namespace Ddm.Storage.Tests;

/// <summary>The first write of a head gets no reply, and takes effect when the next one is about to be written.</summary>
internal sealed class LateHead(IBlobStore below) : InterceptedBlobStore(below)
{
    private Func<Task>? pending;
    private bool done;

    protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        if (call.StartsWith("write ", StringComparison.Ordinal) && call.EndsWith("/head.json", StringComparison.Ordinal) && !done)
        {
            if (pending is null)
            {
                pending = () => run();
                throw new IOException("no reply");
            }

            done = true;
            await pending();
        }

        return await run();
    }
}
