using Ddm.Services;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Ddm.Serving;

/// <summary>Answers the calls of <see cref="ExpertWire"/>.</summary>
internal sealed class ExpertHostService(HostedExperts experts, DeviceThread device, ExpertHostSettings settings, WorkerIdentity worker, ExpertHostLoad load, ILogger<ExpertHostService> log)
{
    /// <summary>Says what it holds. The device is not asked, so that a host that computes is not taken for one that hangs.</summary>
    public Task<byte[]> DescribeAsync() => Task.FromResult(new HostDescription(worker.Name, settings.Model, experts.Held, ExpertWire.Numerics(settings.ExpertWeights)).Write());

    /// <summary>Velocities of rows.</summary>
    /// <exception cref="RpcException">InvalidArgument: the bytes are no question, or do not fit the expert; NotFound: it is not here; ResourceExhausted: too many wait.</exception>
    public async Task<byte[]> VelocityAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            var question = VelocityQuestion.Read(bytes);
            using var held = experts.Hold(question.Expert) ?? throw new RpcException(new Status(StatusCode.NotFound, $"This host does not hold expert {question.Expert[..12]}."));
            question.Check(held.Shape);
            using var place = load.TryEnter(settings.MaxWaiting) ?? throw new RpcException(new Status(StatusCode.ResourceExhausted, $"{settings.MaxWaiting} questions wait already."));
            return await device.RunAsync(() => Compute(question, held, cancellationToken));
        }
        catch (InvalidDataException e)
        {
            log.LogWarning("A question was refused: {Reason}", e.Message);
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
    }

    private static byte[] Compute(VelocityQuestion question, HostedExpert held, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested(); // nobody waits for it any more
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var velocity = held.Model.Velocity(question.X.ToTensor(CPU), question.T.ToTensor(CPU), question.Condition?.ToTensor(CPU));
        return VelocityAnswer.Write(WireTensor.Of(velocity));
    }
}
