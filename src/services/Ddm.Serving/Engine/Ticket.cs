using Ddm.Diffusion;

namespace Ddm.Serving;

/// <summary>An order in the engine, from its arrival to its end. Holds its model's version until then.</summary>
internal sealed class Ticket : IDisposable
{
    private readonly TaskCompletionSource<DrawnOrder> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ModelLease lease;
    private readonly CancellationTokenRegistration registration;

    public Ticket(PictureOrder order, ModelLease lease, IOrderListener? listener, Action wake, CancellationToken cancellation)
    {
        (Order, this.lease, Listener, Cancellation) = (order, lease, listener, cancellation);

        // Who waits is told at once; the pictures stop at the next step.
        registration = cancellation.Register(() =>
        {
            completion.TrySetCanceled(cancellation);
            wake();
        });
    }

    public PictureOrder Order { get; }

    public ServedModel Model => lease.Model;

    public IOrderListener? Listener { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>The pictures, once the engine has taken the order up.</summary>
    public IReadOnlyList<Picture> Pictures { get; set; } = [];

    /// <summary>Steps that all its pictures have done.</summary>
    public int StepsDone => Pictures.Min(picture => picture.StepsDone);

    /// <summary>The pictures that are to be asked for next: all, but for those that are ahead of one whose expert was lost.</summary>
    public IReadOnlyList<Picture> Due => [.. Pictures.Where(picture => picture.StepsDone == StepsDone)];

    /// <summary>By expert, the hosts that have answered for any of its pictures; empty: none was asked elsewhere.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<string>> Hosts() => Pictures.SelectMany(picture => picture.AnsweredBy).Distinct().Order()
        .GroupBy(answer => answer.Expert, answer => answer.By).ToDictionary(group => group.Key, group => (IReadOnlyList<string>)[.. group]);

    /// <summary>The end: pictures, a cancellation or an error.</summary>
    public Task<DrawnOrder> Result => completion.Task;

    /// <summary>Tells who waits.</summary>
    public void Complete(DrawnOrder drawn) => completion.TrySetResult(drawn);

    /// <summary>Tells who waits.</summary>
    public void Fail(Exception error) => completion.TrySetException(error);

    /// <summary>Lets go of pictures and model, on the device thread.</summary>
    public void Dispose()
    {
        registration.Dispose();
        foreach (var picture in Pictures)
        {
            picture.Dispose();
        }

        completion.TrySetCanceled(CancellationToken.None);
        lease.Dispose();
    }
}
