using Ddm.Runs;
using MassTransit;

namespace Ddm.Services;

/// <summary>Counts the slices that were sent over the in-memory transport and that no consumer has taken. Of all pools together: there is one process to train them.</summary>
internal sealed class EmbeddedQueueDepth : IQueueDepth, ISendObserver, IConsumeObserver
{
    private int waiting;

    public Task<int?> CountAsync(string pool, CancellationToken cancellationToken) => Task.FromResult<int?>(Math.Max(0, Volatile.Read(ref waiting)));

    public Task PreSend<T>(SendContext<T> context)
        where T : class => AddAsync(context.Message, 1);

    public Task PostSend<T>(SendContext<T> context)
        where T : class => Task.CompletedTask;

    public Task SendFault<T>(SendContext<T> context, Exception exception)
        where T : class => AddAsync(context.Message, -1);

    public Task PreConsume<T>(ConsumeContext<T> context)
        where T : class => AddAsync(context.Message, -1);

    public Task PostConsume<T>(ConsumeContext<T> context)
        where T : class => Task.CompletedTask;

    public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception)
        where T : class => Task.CompletedTask;

    private Task AddAsync(object message, int change)
    {
        if (message is TrainSlice)
        {
            Interlocked.Add(ref waiting, change);
        }

        return Task.CompletedTask;
    }
}
