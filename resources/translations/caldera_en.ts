<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>caldera::studio::BlamePage</name>
    <message numerus="yes">
        <source>Give %n cell(s) one more bit (+%1)</source>
        <translation>
            <numerusform>Give %n cell one more bit (+%1)</numerusform>
            <numerusform>Give %n cells one more bit (+%1)</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Give %n cell(s) one more bit</source>
        <translation>
            <numerusform>Give %n cell one more bit</numerusform>
            <numerusform>Give %n cells one more bit</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::ConversationList</name>
    <message numerus="yes">
        <source>%n conversation(s) of a newer studio: not listed, and kept as they are. Install that one to read them.</source>
        <translation>
            <numerusform>%n conversation of a newer studio: not listed, and kept as it is. Install that one to read it.</numerusform>
            <numerusform>%n conversations of a newer studio: not listed, and kept as they are. Install that one to read them.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::DifferencePanel</name>
    <message numerus="yes">
        <source>%n cell(s) differ from %1: %2 in this plan.</source>
        <translation>
            <numerusform>%n cell differs from %1: %2 in this plan.</numerusform>
            <numerusform>%n cells differ from %1: %2 in this plan.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::EvaluationPage</name>
    <message numerus="yes">
        <source>%n file(s) could not be read.</source>
        <translation>
            <numerusform>%n file could not be read.</numerusform>
            <numerusform>%n files could not be read.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::HeatmapLegend</name>
    <message numerus="yes">
        <source>as measured; the plan has %n cell(s) otherwise now</source>
        <translation>
            <numerusform>as measured; the plan has %n cell otherwise now</numerusform>
            <numerusform>as measured; the plan has %n cells otherwise now</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s) have other settings</source>
        <translation>
            <numerusform>%n cell has other settings</numerusform>
            <numerusform>%n cells have other settings</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s) measured at other settings</source>
        <translation>
            <numerusform>%n cell measured at other settings</numerusform>
            <numerusform>%n cells measured at other settings</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s) interpolated from measured settings</source>
        <translation>
            <numerusform>%n cell interpolated from measured settings</numerusform>
            <numerusform>%n cells interpolated from measured settings</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::HistoryPage</name>
    <message numerus="yes">
        <source>%n step(s); best %1 in round %2; last %3</source>
        <translation>
            <numerusform>%n step; best %1 in round %2; last %3</numerusform>
            <numerusform>%n steps; best %1 in round %2; last %3</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::JobsModel</name>
    <message numerus="yes">
        <source>%n cell(s) finished</source>
        <translation>
            <numerusform>%n cell finished</numerusform>
            <numerusform>%n cells finished</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::MessageWidget</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::PaintBar</name>
    <message numerus="yes">
        <source>%n cell(s) selected</source>
        <translation>
            <numerusform>%n cell selected</numerusform>
            <numerusform>%n cells selected</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ForeignRemark</name>
    <message numerus="yes">
        <source>%1 is a configuration of qwen2-caldera-max; %n of its keys mean nothing here.</source>
        <translation>
            <numerusform>%1 is a configuration of qwen2-caldera-max; %n of its keys means nothing here.</numerusform>
            <numerusform>%1 is a configuration of qwen2-caldera-max; %n of its keys mean nothing here.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::PlanSolver</name>
    <message numerus="yes">
        <source>%n cell(s) or tables changed: %1 bits per weight, predicted KL %2 instead of %3.</source>
        <translation>
            <numerusform>%n cell or table changed: %1 bits per weight, predicted KL %2 instead of %3.</numerusform>
            <numerusform>%n cells or tables changed: %1 bits per weight, predicted KL %2 instead of %3.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s) or tables changed: %1 bits per weight, estimated KL %2 instead of %3.</source>
        <translation>
            <numerusform>%n cell or table changed: %1 bits per weight, estimated KL %2 instead of %3.</numerusform>
            <numerusform>%n cells or tables changed: %1 bits per weight, estimated KL %2 instead of %3.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::PlanView</name>
    <message numerus="yes">
        <source>%n locked cell(s) left alone. Select and press L to unlock.</source>
        <translation>
            <numerusform>%n locked cell left alone. Select and press L to unlock.</numerusform>
            <numerusform>%n locked cells left alone. Select and press L to unlock.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::MeasureForm</name>
    <message numerus="yes">
        <source>About %1 on the processor of this machine (%n core(s)), a first guess from the model&apos;s shape. It can be stopped and resumed in Runs.</source>
        <translation>
            <numerusform>About %1 on the processor of this machine (%n core), a first guess from the model&apos;s shape. It can be stopped and resumed in Runs.</numerusform>
            <numerusform>About %1 on the processor of this machine (%n cores), a first guess from the model&apos;s shape. It can be stopped and resumed in Runs.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>About %1 on the processor of this machine, as measured in %n earlier run(s). It can be stopped and resumed in Runs.</source>
        <translation>
            <numerusform>About %1 on the processor of this machine, as measured in %n earlier run. It can be stopped and resumed in Runs.</numerusform>
            <numerusform>About %1 on the processor of this machine, as measured in %n earlier runs. It can be stopped and resumed in Runs.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PlanFigures</name>
    <message numerus="yes">
        <source>%n of %1 cell(s) rest on interpolation.</source>
        <translation>
            <numerusform>%n of %1 cells rests on interpolation.</numerusform>
            <numerusform>%n of %1 cells rest on interpolation.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>On the processor of this machine, as measured in %n earlier run(s).</source>
        <translation>
            <numerusform>On the processor of this machine, as measured in %n earlier run.</numerusform>
            <numerusform>On the processor of this machine, as measured in %n earlier runs.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>On the processor of this machine (%n core(s)), by documented rates, which may be off by a factor. The first run here corrects it.</source>
        <translation>
            <numerusform>On the processor of this machine (%n core), by documented rates, which may be off by a factor. The first run here corrects it.</numerusform>
            <numerusform>On the processor of this machine (%n cores), by documented rates, which may be off by a factor. The first run here corrects it.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::JobDetails</name>
    <message numerus="yes">
        <source>%n cell(s) did not end as measured before:</source>
        <translation>
            <numerusform>%n cell did not end as measured before:</numerusform>
            <numerusform>%n cells did not end as measured before:</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::PodChoice</name>
    <message numerus="yes">
        <source>as measured in %n earlier run(s) on this GPU</source>
        <translation>
            <numerusform>as measured in %n earlier run on this GPU</numerusform>
            <numerusform>as measured in %n earlier runs on this GPU</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::PreflightLine</name>
    <message numerus="yes">
        <source>Takes about %1, as measured in %n earlier run(s) there.</source>
        <translation>
            <numerusform>Takes about %1, as measured in %n earlier run there.</numerusform>
            <numerusform>Takes about %1, as measured in %n earlier runs there.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::ChatView</name>
    <message numerus="yes">
        <source>%n cell(s) have their original weights: so the model would answer if they cost nothing.</source>
        <translation>
            <numerusform>%n cell has its original weights: so the model would answer if it cost nothing.</numerusform>
            <numerusform>%n cells have their original weights: so the model would answer if they cost nothing.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>caldera::studio::SweepDialog</name>
    <message numerus="yes">
        <source>%n point(s), about %1 by the last measurement, and the time to load.</source>
        <translation>
            <numerusform>%n point, about %1 by the last measurement, and the time to load.</numerusform>
            <numerusform>%n points, about %1 by the last measurement, and the time to load.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n point(s); how long that takes is known after the first measurement.</source>
        <translation>
            <numerusform>%n point; how long that takes is known after the first measurement.</numerusform>
            <numerusform>%n points; how long that takes is known after the first measurement.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SweepPlan</name>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation>
            <numerusform>%n chat</numerusform>
            <numerusform>%n chats</numerusform>
        </translation>
    </message>
</context>
</TS>
