using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;

namespace Ddm.Services;

/// <summary>
/// Keeps what was opened for a run last: it may take gigabytes to read, and a run asks once a shard. What it keeps lives on the device thread, where every use of it is too.
/// </summary>
/// <typeparam name="T">What is kept.</typeparam>
/// <param name="blobs">Where runs are.</param>
/// <param name="device">The device thread.</param>
public abstract class OpenOnDevice<T>(IBlobStore blobs, DeviceThread device) : IDisposable
    where T : class, IDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private (string Run, T Open)? kept;

    /// <summary>Runs a function of the run's own on the device thread.</summary>
    /// <param name="document">The run.</param>
    /// <param name="use">What to do with it; it stays this object's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidDataException">It is missing or damaged.</exception>
    public async Task<TResult> UseAsync<TResult>(RunDocument document, Func<T, TResult> use, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken); // one at a time: the device is one, and nothing must be closed under somebody
        try
        {
            if (kept?.Run != document.Name)
            {
                var name = NameOf(document);
                await using var prepared = await blobs.OpenProductAsync(name, cancellationToken);
                await device.RunAsync(() =>
                {
                    kept?.Open.Dispose();
                    kept = null;
                    using var bundle = TensorFile.Load(prepared);
                    kept = (document.Name, Open(document, name, bundle));
                });
            }

            return await device.RunAsync(() => use(kept!.Value.Open));
        }
        finally
        {
            gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what is kept.</summary>
    protected virtual void Dispose(bool disposing)
    {
        kept?.Open.Dispose();
        kept = null;
        gate.Dispose();
    }

    /// <summary>Its blob, a stage's product.</summary>
    protected abstract string NameOf(RunDocument document);

    /// <summary>Opens it, on the device thread.</summary>
    /// <param name="document">The run.</param>
    /// <param name="name">Its blob, for messages.</param>
    /// <param name="prepared">What the blob holds; still the caller's.</param>
    protected abstract T Open(RunDocument document, string name, TensorBundle prepared);
}
