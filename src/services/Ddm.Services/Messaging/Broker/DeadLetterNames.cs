using MassTransit;

namespace Ddm.Services;

/// <summary>One place for what no consumer can take, instead of two queues beside every queue.</summary>
internal sealed class DeadLetterNames : IErrorQueueNameFormatter, IDeadLetterQueueNameFormatter
{
    public string FormatErrorQueueName(string queueName) => QueueNames.Dead;

    public string FormatDeadLetterQueueName(string queueName) => QueueNames.Dead;
}
