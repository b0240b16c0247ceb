using System.Net.Sockets;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Training;
using MassTransit;

namespace Ddm.Services;

/// <summary>Which errors waiting may mend, and which it cannot.</summary>
public static class Faults
{
    /// <summary>True for the trouble of stores, brokers and networks: nothing is wrong with the run, and it goes on once they are back.</summary>
    public static bool MayPass(Exception error) => error switch
    {
        UserErrorException user => user.MayPass,
        CheckpointException or InvalidDataException or NumericsMismatchException or NonFiniteStepException => false,
        IOException or TimeoutException or SocketException or HttpRequestException or OperationCanceledException => true,
        MassTransitException or RabbitMQ.Client.Exceptions.RabbitMQClientException => true,
        AggregateException many => many.InnerExceptions.All(MayPass),
        _ => false,
    };

    /// <summary>True for what the same command will meet again wherever it runs: a person has to mend it.</summary>
    public static bool IsFinal(Exception error) => error is UserErrorException { MayPass: false } or CheckpointException or InvalidDataException or NumericsMismatchException;
}
