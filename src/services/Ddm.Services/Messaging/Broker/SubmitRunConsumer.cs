using Ddm.Runs;
using MassTransit;
using MassTransit.Serialization;
using Microsoft.Extensions.Logging;

namespace Ddm.Services;

/// <summary>
/// Takes specs in as messages. A client of the message library asks as it asks everywhere; any other client sends the bare JSON to the exchange <c>submit</c>, and is
/// answered in bare JSON where AMQP's own <c>reply_to</c> and <c>correlation_id</c> say.
/// </summary>
internal sealed class SubmitRunConsumer(RunIntake intake, ILogger<SubmitRunConsumer> log) : IConsumer<SubmitRun>
{
    private static readonly Uri ReplyTo = new("exchange:amq.rabbitmq.reply-to");

    /// <inheritdoc/>
    public async Task Consume(ConsumeContext<SubmitRun> context)
    {
        var answer = await AnswerAsync(context.Message, context.CancellationToken);
        if (context.ResponseAddress is not null)
        {
            await context.RespondAsync(answer);
        }
        else if (context.TryGetPayload<RabbitMqBasicConsumeContext>(out var delivery) && delivery.Properties.ReplyTo is { Length: > 0 })
        {
            var endpoint = await context.GetSendEndpoint(ReplyTo);
            await endpoint.Send(answer, Pipe.Execute<SendContext<SubmitRunAnswer>>(send =>
            {
                send.Serializer = new SystemTextJsonRawMessageSerializer(RawSerializerOptions.AnyMessageType);
                if (send.TryGetPayload<RabbitMqSendContext>(out var rabbit))
                {
                    rabbit.BasicProperties.CorrelationId = delivery.Properties.CorrelationId;
                }
            }), context.CancellationToken);
        }
    }

    private async Task<SubmitRunAnswer> AnswerAsync(SubmitRun message, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(message.Spec))
        {
            return new SubmitRunAnswer(SubmitRunAnswer.Refused, null, ["'spec' is missing: send {\"spec\": \"...the YAML...\"}."]);
        }

        try
        {
            return await intake.TakeAsync(message.Spec, message.Root, cancellationToken) switch
            {
                IntakeOutcome.Created created => new SubmitRunAnswer(SubmitRunAnswer.Created, created.Document.Name, []),
                IntakeOutcome.Existing existing => new SubmitRunAnswer(SubmitRunAnswer.Existing, existing.Document.Name, []),
                IntakeOutcome.Taken taken => new SubmitRunAnswer(SubmitRunAnswer.Taken, taken.Run, taken.Differences),
                IntakeOutcome.Mistaken mistaken => new SubmitRunAnswer(SubmitRunAnswer.Refused, null, [.. SpecNote.Lines(mistaken.Mistakes, RunIntake.TextName).Split('\n')]),
                IntakeOutcome.Refused refused => new SubmitRunAnswer(SubmitRunAnswer.Refused, null, [refused.Reason]),
                var other => throw new InvalidOperationException($"No answer to {other.GetType().Name}."),
            };
        }
        catch (UserErrorException e) when (!e.MayPass)
        {
            return new SubmitRunAnswer(SubmitRunAnswer.Refused, null, [e.Message]);
        }
        catch (Exception e) when (Faults.MayPass(e) && !cancellationToken.IsCancellationRequested)
        {
            log.LogWarning(e, "A spec could not be taken in");
            return new SubmitRunAnswer(SubmitRunAnswer.Unavailable, null, ["The store does not answer. Nothing is wrong with the spec as far as it was read; send it again later."]);
        }
    }
}
